/**
 * The CERTS cell that a relay of C tor 0.4.9.11 sent, and the TLS certificate it came under. The
 * relay was made for this capture, on a loopback address, and its keys are gone.
 *
 * @module
 */

const base64 = (text: string) => Uint8Array.fromBase64(text);

/** When it was captured, in milliseconds since the epoch. */
export const CAPTURED_AT = 1795463172486;

/** As the relay wrote them to its fingerprint files. */
export const RSA_IDENTITY = "A5B9F788B5E9AF97103AF970A19D2646C09DF5F5";
export const ED25519_IDENTITY = "g8oHb0siBEIsfQ3bGGZ+f62FzflLCb1JXYjNfan3YzM";

/** DER. */
export const TLS_CERTIFICATE = base64(
  "MIICOzCCAaSgAwIBAgIIJCjYpwaSUyowDQYJKoZIhvcNAQELBQAwHjEcMBoGA1UEAwwTd3d3LmU0Zm5kY25kNWt3LmNv" +
    "bTAeFw0yNjA4MjkwMDAwMDBaFw0yNzA1MDcwMDAwMDBaMB4xHDAaBgNVBAMME3d3dy5lZXF6eXFsZHFubi5uZXQwggEi" +
    "MA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCdBQu9/4EelUSLl+uUwFlvFf7pP0dn+cgYyhewSLYu4Tc7eL3vtyL/" +
    "NmXiORvDkY77kJSwncI9IleUFASkOLZN0hr6G7k9PkDm33dobdBiRukJiR5PpqlKegmzYo+7l2x+jLbtK/6GJ3JjtSL8" +
    "HbiCTHnrm3cPnkKeUTevhjXeg+UWrb2lHbtbbH32kuglFcFwYFtiLE5od1TKDy4OP0E3RSZu45wjH3o+ZzSnLuwzsAaG" +
    "oEVLnoHwRB6YyYLul0zGtUB7/8wMII/XHGO0YEjtGc/augcvHbckYjFK9+lx1df35Kh1VKM3VmHf4yRqikHwlmdBjS1b" +
    "o2q1f+ZQnISxAgMBAAEwDQYJKoZIhvcNAQELBQADgYEACfDbzlkQiEXJsDk25Lj5IOnRg+yTVKJZS8Jnui+1gdbwxCw3" +
    "KUfuRVR5TEe3RIW8CyIPjAOnhi+hM7ocH/SkFvdPJm07+DfxfpGeGy2r432FD2huM0CDSgExTBQVbpOoM583sE2TSNQG" +
    "VVpVn8nte0HD+iRzY+9R9weN/rhstVE=",
);

/** In the order of the cell; type 1 is the RSA link certificate. */
export const CERTS = [
  {
    type: 1,
    body: base64(
      "MIICOzCCAaSgAwIBAgIIJCjYpwaSUyowDQYJKoZIhvcNAQELBQAwHjEcMBoGA1UEAwwTd3d3LmU0Zm5kY25kNWt3LmNv" +
        "bTAeFw0yNjA4MjkwMDAwMDBaFw0yNzA1MDcwMDAwMDBaMB4xHDAaBgNVBAMME3d3dy5lZXF6eXFsZHFubi5uZXQwggEi" +
        "MA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCdBQu9/4EelUSLl+uUwFlvFf7pP0dn+cgYyhewSLYu4Tc7eL3vtyL/" +
        "NmXiORvDkY77kJSwncI9IleUFASkOLZN0hr6G7k9PkDm33dobdBiRukJiR5PpqlKegmzYo+7l2x+jLbtK/6GJ3JjtSL8" +
        "HbiCTHnrm3cPnkKeUTevhjXeg+UWrb2lHbtbbH32kuglFcFwYFtiLE5od1TKDy4OP0E3RSZu45wjH3o+ZzSnLuwzsAaG" +
        "oEVLnoHwRB6YyYLul0zGtUB7/8wMII/XHGO0YEjtGc/augcvHbckYjFK9+lx1df35Kh1VKM3VmHf4yRqikHwlmdBjS1b" +
        "o2q1f+ZQnISxAgMBAAEwDQYJKoZIhvcNAQELBQADgYEACfDbzlkQiEXJsDk25Lj5IOnRg+yTVKJZS8Jnui+1gdbwxCw3" +
        "KUfuRVR5TEe3RIW8CyIPjAOnhi+hM7ocH/SkFvdPJm07+DfxfpGeGy2r432FD2huM0CDSgExTBQVbpOoM583sE2TSNQG" +
        "VVpVn8nte0HD+iRzY+9R9weN/rhstVE=",
    ),
  },
  {
    type: 2,
    body: base64(
      "MIIBtzCCASCgAwIBAgIIOOU9MO7JrREwDQYJKoZIhvcNAQELBQAwHjEcMBoGA1UEAwwTd3d3LmU0Zm5kY25kNWt3LmNv" +
        "bTAeFw0yNjEwMTYwMDAwMDBaFw0yNzEwMTYwMDAwMDBaMB4xHDAaBgNVBAMME3d3dy5lNGZuZGNuZDVrdy5jb20wgZ8w" +
        "DQYJKoZIhvcNAQEBBQADgY0AMIGJAoGBAOXufJFDukBPoioDS7dQFAaVS/epiK4BIeUjrSJXInExiQbbdim9q9S8Fm3J" +
        "4vZlF6OaFntmidO9+i2TY3kvQ+BW0ycUT5dkZT+jDBMnxAqDz0P4A4LIa7K/hLBpejOa1Ff8ur0XLSSexkhPqKf/4SLB" +
        "rCOg2IIYA0IP3kTvyRXBAgMBAAEwDQYJKoZIhvcNAQELBQADgYEAwqNUwhXnvm/1rF7RaeaXbydrVyjOWljRPwXs9A44" +
        "mkg8MnK8tFgW11lSIwyumMioR+6iLQvTDxN1R8S//GTj2wUmq4Mn31dhw5nOyPWG3WMWG6b032K83T7BUNXkOr9/4fi7" +
        "C61RbpoN4vf/I5XLKWXZLMYgRXqOwTICOqsKTlI=",
    ),
  },
  {
    type: 4,
    body: base64(
      "AQQAB58EAd5Akan3GEA9Prb8mzKM9RE0D8jFqV7aEffR6r7VoK6uAQAgBACDygdvSyIEQix9DdsYZn5/rYXN+UsJvUld" +
        "iM19qfdjMxUqR+RA8SXFHncdrgccP4tJhap+kAs5yH5OaritZUtoN5la5zsRR5Gg2J1gNE6oIVxk1de0f56k2qbuLV6/" +
        "ag0=",
    ),
  },
  {
    type: 5,
    body: base64(
      "AQUAB5xkA9EVLHkOlzO+RWRDADFl9jRH0sLcDPd8gZ8u4smSOwl5AL5SFqxYdxqMK74/Z3tfOBG77ZZsl2R4EBkTXIDL" +
        "/h/4b66bsdmMz/F8MI6W8JeinmhA6tKXFrRtAxYpXmVmEw8=",
    ),
  },
  {
    type: 7,
    body: base64(
      "g8oHb0siBEIsfQ3bGGZ+f62FzflLCb1JXYjNfan3YzMAB60UgN5hHJlUUgd7Spfts0n/48e3npe3bI5u40JTlfaV/8rG" +
        "x31oR8Zt9Zo2MXJGUQhRIOstPvYnBtzaxgtbYUq2s1yFNzWaE4/yJguI2RFEME3/ikcg54CXBy6eAGCeiVD0ILx6BjYI" +
        "UldcKZnn7KzR4q+ysUQYKGHR8ItGuEP4+YXd",
    ),
  },
] as const;
