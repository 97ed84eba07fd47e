/** How the network is used by Node; in a browser that is the browser's business, and none of it counts. */
export interface NetworkOptions {
  /**
   * A SOCKS proxy of version 5 that the connection goes through: `socks5h://[user[:password]@]host[:port]`, which looks up
   * the name of the server, or `socks5:`, where this machine looks it up. Default port: 1080. Not for Unix sockets.
   */
  proxy?: string | URL;
  /** The address of this machine that connections come from. Default: the system chooses. */
  localAddress?: string;
  /** Send what is written at once, without waiting for more (TCP_NODELAY). Default true. */
  noDelay?: boolean;
}
