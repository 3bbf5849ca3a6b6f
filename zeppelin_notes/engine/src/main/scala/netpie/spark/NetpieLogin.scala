package netpie.spark

import java.nio.charset.StandardCharsets
import java.util.Base64
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec

/** Who connects. With an `hmacKey` the user name is NAME%EPOCH and the password is signed afresh for each connect, as
  * NETPIE 2015 wants it; without one, name and password are sent as they are; without a name, neither is sent. */
final class NetpieLogin(name: Option[String], fixedPassword: Option[String], hmacKey: Option[String]) extends Serializable {
  def username(epochSeconds: Long): Option[String] =
    if (hmacKey.isDefined) name.map(_ + "%" + epochSeconds) else name

  def password(clientId: String, user: String): Option[String] =
    hmacKey.map(signature(_, clientId + "%" + user)).orElse(fixedPassword)

  def isSigned: Boolean = hmacKey.isDefined

  private def signature(key: String, text: String): String = {
    val mac = Mac.getInstance("HmacSHA1")
    mac.init(new SecretKeySpec(key.getBytes(StandardCharsets.UTF_8), "HmacSHA1"))
    Base64.getEncoder.encodeToString(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)))
  }
}
