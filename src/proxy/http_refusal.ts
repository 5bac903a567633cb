/**
 * What someone sees who opens the SOCKS port in a browser, or sets it as an HTTP proxy.
 *
 * @module
 */

/**
 * A complete HTTP response, status 501, with a page that says how to use the SOCKS port.
 *
 * @param place where it listens: `ADDRESS:PORT` or `unix:PATH`
 */
export function httpRefusal(place: string): Uint8Array {
  const port = place.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const page = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>A SOCKS port, not a web page</title></head>
<body>
<h1>This port speaks SOCKS, and a program has spoken HTTP to it</h1>
<p>The Tor client chive listens here for programs that use a SOCKS5 or SOCKS4a proxy. Nothing of
this request was sent anywhere.</p>
<ul>
<li>In a browser's network settings, enter <code>${port}</code> as the <b>SOCKS v5</b> host, leave the
HTTP and HTTPS proxy fields empty, and let names be resolved through the proxy.</li>
<li>With curl: <code>curl --proxy socks5h://${port} https://example.com/</code></li>
</ul>
<p>A program that can only use HTTP proxies cannot use this port.</p>
</body>
</html>
`;
  const body = new TextEncoder().encode(page);
  const head = new TextEncoder().encode(
    "HTTP/1.0 501 Not an HTTP proxy\r\n" +
      "Content-Type: text/html; charset=utf-8\r\n" +
      `Content-Length: ${body.length}\r\n` +
      "Cache-Control: no-store\r\n" +
      "Connection: close\r\n\r\n",
  );
  const response = new Uint8Array(head.length + body.length);
  response.set(head);
  response.set(body, head.length);
  return response;
}
