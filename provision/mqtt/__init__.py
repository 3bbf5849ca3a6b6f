"""What it takes to connect to an MQTT broker, whatever the platform."""
