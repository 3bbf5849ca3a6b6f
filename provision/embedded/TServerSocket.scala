package org.apache.zeppelin.shaded.org.apache.thrift.transport

import java.io.IOException
import java.net.{InetAddress, InetSocketAddress, ServerSocket}

/** Takes the place of Thrift's own class, which binds a bare port to all interfaces: whoever reaches that port runs code
  * in the interpreter. This one binds it to loopback. Uses nothing of Scala's library: Zeppelin's server has none. */
class TServerSocket(socket: ServerSocket, clientTimeout: Int) extends TServerTransport {
  def this(address: InetSocketAddress, clientTimeout: Int) = this(TServerSocket.bind(address), clientTimeout)
  def this(address: InetSocketAddress) = this(address, 0)
  def this(port: Int, clientTimeout: Int) =
    this(new InetSocketAddress(InetAddress.getLoopbackAddress, port), clientTimeout)
  def this(port: Int) = this(port, 0)
  def this(socket: ServerSocket) = this(socket, 0)

  override def listen(): Unit = socket.setSoTimeout(0)

  override protected def acceptImpl(): TSocket =
    try {
      val accepted = new TSocket(socket.accept())
      accepted.setTimeout(clientTimeout)
      accepted
    } catch {
      case error: IOException => throw new TTransportException(error)
    }

  override def close(): Unit =
    try socket.close()
    catch { case _: IOException => }

  override def interrupt(): Unit = close()

  def getServerSocket: ServerSocket = socket
}

object TServerSocket {
  private def bind(address: InetSocketAddress): ServerSocket = {
    val socket = new ServerSocket
    try {
      socket.setReuseAddress(true)
      socket.bind(address)
      socket
    } catch {
      case error: IOException =>
        socket.close()
        throw new TTransportException(TTransportException.NOT_OPEN, "can't listen on " + address, error)
    }
  }
}
