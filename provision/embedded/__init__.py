"""The local stack: a real Zeppelin with a real Spark, and a NETPIE emulator, from package registries alone."""
