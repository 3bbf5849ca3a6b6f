package netpie.spark

import java.io.ByteArrayInputStream
import java.nio.charset.StandardCharsets
import java.nio.file.{Files, Paths}
import java.security.{KeyFactory, KeyStore, PrivateKey}
import java.security.cert.{Certificate, CertificateFactory}
import java.security.spec.PKCS8EncodedKeySpec
import java.util.Base64
import javax.net.SocketFactory
import javax.net.ssl.{KeyManager, KeyManagerFactory, SSLContext, TrustManager, TrustManagerFactory}
import scala.util.control.NonFatal

/** Whom a client trusts over TLS, and who it is. `caFile` is a PEM file on the executors, `ca` the text of one: without either
  * those are trusted whom Java trusts. `certificate` and `privateKey` (PKCS #8) are the client's own, as PEM texts. */
final class NetpieTls(caFile: String, val ca: String, val certificate: String, val privateKey: String) extends Serializable {
  require(caFile.isEmpty || ca.isEmpty, "caFile and ca are both given: name one of them")
  require(certificate.isEmpty == privateKey.isEmpty, "a client's certificate and its key go together")

  def isOwn: Boolean = caFile.nonEmpty || ca.nonEmpty || certificate.nonEmpty

  /** Who is trusted, in words. */
  def trusted: String =
    if (caFile.nonEmpty) "caFile " + caFile
    else if (ca.nonEmpty) "the authorities that are given"
    else "the authorities that Java trusts"

  def sockets: SocketFactory = {
    val context = SSLContext.getInstance("TLS")
    context.init(identity, trust, null)
    context.getSocketFactory
  }

  private def trust: Array[TrustManager] =
    if (caFile.isEmpty && ca.isEmpty) null
    else naming(if (caFile.nonEmpty) "caFile " + caFile else "ca") {
      val read = certificates(if (ca.nonEmpty) ca.getBytes(StandardCharsets.UTF_8) else Files.readAllBytes(Paths.get(caFile)))
      val store = emptyStore
      for (i <- read.indices) store.setCertificateEntry("ca" + i, read(i))
      val managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm)
      managers.init(store)
      managers.getTrustManagers
    }

  private def identity: Array[KeyManager] =
    if (certificate.isEmpty) null
    else naming("the client's certificate") {
      val store = emptyStore
      store.setKeyEntry("client", key, Array[Char](), certificates(certificate.getBytes(StandardCharsets.UTF_8)))
      val managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm)
      managers.init(store, Array[Char]())
      managers.getKeyManagers
    }

  private def certificates(pem: Array[Byte]): Array[Certificate] = {
    val read = CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem)).toArray
    require(read.nonEmpty, "no certificate in it")
    read.map(_.asInstanceOf[Certificate])
  }

  /** The key, whatever its kind: PKCS #8 names that, and a KeyFactory takes its own kind only. */
  private def key: PrivateKey = {
    val text = privateKey.split("\n").filter(line => !line.startsWith("-----")).mkString("").replaceAll("\\s", "")
    val encoded = new PKCS8EncodedKeySpec(Base64.getDecoder.decode(text))
    val tried = Iterator("RSA", "EC", "EdDSA").flatMap { kind =>
      try Iterator(KeyFactory.getInstance(kind).generatePrivate(encoded)) catch { case NonFatal(_) => Iterator.empty }
    }
    require(tried.hasNext, "its key is none of RSA or EC in PKCS #8")
    tried.next()
  }

  private def emptyStore: KeyStore = {
    val store = KeyStore.getInstance(KeyStore.getDefaultType)
    store.load(null, null)
    store
  }

  private def naming[T](what: String)(made: => T): T =
    try made catch {
      case NonFatal(problem) => throw new IllegalArgumentException(what + ": " + String.valueOf(problem).split("\n")(0))
    }
}
