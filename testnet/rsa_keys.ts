/**
 * RSA keys of 1,024 bits that are the same in every run. They protect nothing: they exist so that
 * an embedded network starts at once and its relays' identities never change.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject } from "node:crypto";

const PUBLIC_EXPONENT = 65537n;

/** How many keys there are. */
export function rsaKeyCount(): number {
  return PRIMES.length;
}

/**
 * The key of this number.
 *
 * @param index 0 to {@link rsaKeyCount} - 1
 * @throws RangeError when there is none
 */
export function fixedRsaKey(index: number): KeyObject {
  const primes = PRIMES[index];
  if (primes === undefined) throw new RangeError(`there are ${PRIMES.length} fixed RSA keys`);
  const [p, q] = primes.map((text) =>
    BigInt(`0x${Uint8Array.fromBase64(text, { alphabet: "base64url" }).toHex()}`)
  );
  const d = inverse(PUBLIC_EXPONENT, (p - 1n) * (q - 1n));
  return createPrivateKey({
    format: "jwk",
    key: {
      kty: "RSA",
      n: base64url(p * q),
      e: base64url(PUBLIC_EXPONENT),
      d: base64url(d),
      p: base64url(p),
      q: base64url(q),
      dp: base64url(d % (p - 1n)),
      dq: base64url(d % (q - 1n)),
      qi: base64url(inverse(q, p)),
    },
  });
}

/** The inverse of `value` modulo `modulus`; they have no common divisor. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [oldRest, rest] = [modulus, value % modulus];
  let [oldFactor, factor] = [0n, 1n];
  while (rest > 0n) {
    const quotient = oldRest / rest;
    [oldRest, rest] = [rest, oldRest - quotient * rest];
    [oldFactor, factor] = [factor, oldFactor - quotient * factor];
  }
  return oldFactor < 0n ? oldFactor + modulus : oldFactor;
}

function base64url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex").toString("base64url");
}

/** The two primes of each key, 64 bytes each. */
const PRIMES: readonly (readonly [string, string])[] = [
  [
    "zKxhP56qC1m2-Pxa0B7wnIH287afmf2s5QJ1WjRQvHgaQ_EVw2nJW3urxmNcqWmkNxKN7-MPvFA8cfVplTiUUQ",
    "xRCduTiAfu6LMwiwlQJYhJ0rsKsalzUk2MYsdspsqpPoP7p2Rb-dzKVGQocMTl1kDLg1bxq3To9LA6ZC_c0pzQ",
  ],
  [
    "8I7luFOgb4ZdcRcndBwsmSv9DR_wVYpSeFjYQJ9sqwOoha_wuvWhP5o1SrfC_rR0x5iPpoCs0GdReyc2H_2lYQ",
    "30PpmgBs6zekC8fN_i1L_t_kQZ0rkP8gd6ZAR5Pjs3vLBBVVFLo5CGWZPiZI1XTB3VAAJjs8ZaZRz7_Kgtuhqw",
  ],
  [
    "8za3i7zpJazYTnjZotCbS_vxdSOFxbyby4ZzeVSC5mHCSgHQIlan9wKfnePGyhKvTnvFBp_TNZshuG3a2zNjpw",
    "2Kiu-Ujs27arwdBbNae5rWc8Klxjkjmd80N_EIae6hHNiXhFthfgW-JkJLRcn-hVWTgwIqdjgaGg_tVfgYPDZQ",
  ],
  [
    "xVe89GjYxr5pWC1A_m_tZkzk6nb96Ub-fhbLdWepPJCQ1_oed01G8bRTLIVsPrH8qfri6Jvg9O_pyUMmPfSdKw",
    "_CL3DnAbO4OkZXtbsFfrIj4MYLMhbsdlkgm_p5SN0xUEHNVfavkeQTRYWdGSRrfhE75ZmLHadB1Qh0EloeJQ4Q",
  ],
  [
    "9V4mAfscTMKhUHJMw1R41ILNDXBayvUrPu3_hgks2QwQbuy-McSKh4qwoi6eTfdea91kLhbw5N7kvz5H6EFsJw",
    "zwSgh43LrWI4bRRMdE-rXWyHzNqOz3fh4ef7gA5C-Sr1-hoiZkVrbFaEvhgaLm_v9XVRoRcSbfYfn57lc4F35w",
  ],
  [
    "yCWAGnPLVkLKwRtcC35lhneuDMs-LtO_BQLiTr5JFYfsj0v0ny8PqRN6Vt0z78GcbYGsV6V7WnJHc63AWrJWtw",
    "8nT4IFYrdKKyx4ye-8wQhR5lGgiWNm_CxCMXAQmLQQRF0hXUU5omv4NtHMRmg5yScs5S2cWrmKM1NBIsoTVVWQ",
  ],
  [
    "yyfRheL6yclejw5b3jvT7FiDVERiSu7R_kqFt9STrLgSHl2g-pSpUaSaPZIB3wpP4DiOxNLNPB9Mx2G298hzbQ",
    "_P584IwnNs4NkB5WhhazEQlJ3qI6w2bz09Y1XzQY1QkBx0I3C9EMExpIDsNVOfx_Rl48GAM9gz2DB89rJOpj1w",
  ],
  [
    "5Pu5mE1iO6ivoTx7GXLXNZBxJ5kweE6EG4trtI7L-TkGnQ74YV2qFB-VoY6aclDUzA8Rv1Eyf-9DtRTI9LnRFw",
    "8O1rJiXDpnClOwwecrx7PHVPRYWr2jWkSslwk6Vy6WLqP9tMFtkBS1zFPynqSdjqUwcjjDTPOraUU6gz16Qjcw",
  ],
  [
    "80JMhzwX-NUI2XiaqIRyk-H9TU3litqXJWbfBiqPXJmZ3KGeQoZp-NZzM6D6tmfeKzEOOTPVZaRNrflLhsi3RQ",
    "-RT9gjgAzvHYvDCVfx5iNSlju3OKfXpDfjGQc5Z68xcFJJ8GMHtVSFGy7ukE4J8nTuEET0NtZVcofOVGIvVj4w",
  ],
  [
    "0_qHd_e1Id-XxdzDl2YzXA8WI1Ykccw8veWAKYnuO8fSpU6t81rtz6mTSB1trz7UZA6l3DyfhlaKf3MFTibCJw",
    "zEJW7ERCVZeIyDvRB0aIy_I8w6UdKJB724WUg9YG6INHfgmQu3L3Y1s4UFraszeGv8oN1hr5v7HkPDrsxACheQ",
  ],
  [
    "5UZBckT1cCCPMiN-4KR4Q_1Lze9hytGSa-GSAAjcsw5DMg148SP1qfA7upLGvdHYq5ZFU7yA-Jw679nS7Tqk4Q",
    "80hG497s3SdNohfWBhTsmOmiAQ3EfTO8RbR8ZlpEYMbU0CqipeWsKI_Bu5rdWav_B_qcXm2xcDxj1I6Ue48mmQ",
  ],
  [
    "w9IP5wO5nJS1gdhYC7dyutJqxWh2Q_UmiBxeWbl82J4oFSh5F8SdsQ59Einl5THqw66yksBQU46f8UNqaZ7JBQ",
    "xXL5djPXOSWIfB1laZmHWUONVNYJruFnmQ-L6eD980y1n3SVTv46bJaJgy6EQfIFizJa_aKxKV5tZvUTm62_iQ",
  ],
  [
    "6VN9KEKBsjLa4vZtziVXVBjLGn4aVySCTyj1uD52SqQWQ8SSoF9QV19xZLJPaUBpELbrfPRFlZVUqIyS0B3rtQ",
    "6_1jgCr63_B-NE7jmhr4c6u1KHo0RXhmiTJ7dzcV3i6-rXSJrnwAzmbCCajO0O91kHN8mYnnWKs3JCdm6SdlzQ",
  ],
  [
    "yvfOaBh-m995Scf1rHmxF7QHjrcDPRHP2ZoBiw859vsLTmLgAMTOy5ni19z5bCJafUuq_fPGYhq9DH5Ay52Zcw",
    "07Y65TLB07_XfCP8tEvXjUDBxN0AlmTONiI2J81vwcXyQAaoicgJ0XnNMUPL0D5gO_nihDddhlqZzvn6ZrPJFw",
  ],
  [
    "4qewZOoUxSkQeVtUy7Z5z9pq1dBbN5KvtIm5ONcVT4yz3gqSaEn7CHxygOoEvEffDJ2mOqmvryiyk6HHIZMTLQ",
    "34eNwoEEh3CIpMj74d89UwEjpp54c8a8c6QTdzOm5V8xzCo-HykzSbPYKE3XWbRSPiRkZc1slo8S6jIUX1UGSQ",
  ],
  [
    "_OMv0cCKl5JZWAlnJmkF_ZoFIyAxlLFVWnboUFRwGG5PJ27fApurL1utNnDkGor01Sa9sJWukkWdexlPWyO3rw",
    "4OqOmR41p6t-JkIk2hyTp_h4BSZbbWtdpDCc7G9KpgbGI6DgSrwdNm-6zK05nGn2Gw3dGifpQGqmxR3-_i_Xmw",
  ],
  [
    "428tgG1B30HvbuAVsvyyVmFcX_tS_Pwv8JvtT2MCTECu4wgZX5aQxkE2Cp5rkwSWR8-251fJ5q3M4BGAe2BcRw",
    "3yCu-jRUKHt26B89NC1NIo2rt4kKqNfgrLL7zWJL6EivfojNtF3fbMOH-H5ZjRkmNzKlnxNHPx_HQXCjQap-Iw",
  ],
  [
    "82gxaL2JGIUjD8hwtSmxk-xlDAb072NyksEikr0G4Pwog6wp5ZfAKalIoRVFSwxoK4gQIIlwVjrGRHy8-bZI0w",
    "-3VWHveOZRaUP4Tyi_XVNeSWLdE7gzWP7ybnLe98TKJ-cI9yObsHaUXfXCtFXqqfNQSC4uAtDObBksJ8EaF8hw",
  ],
  [
    "5GWDC85jWOL_rxHb5wq_fgJsE7fIjhbXlqODO_p2LIhPaIVbKz_kGj-rmgBX3-MQ3E95nx2dITI8U0-jOtvC-w",
    "3kfGiWEXI4DpXDXDXW4wtPi88vDXEQWPeJBem2uD4aJUS-sdSEH4yhuKA4dN5RJzbS491rdyB2WcKuy7ncMvRQ",
  ],
  [
    "zyPRiNvhq7xY8DNstT2QT_T3ZjwucWoDSMNCc8RxMNizm4MT1Z6AqlCd0zmrNr-7Y5g-s8lGfg0TvWvFBnWfIw",
    "71F_JbI5kV4Yibnrab5Yvk_ClZYAscZeCLGbMurkca6LnmSX9reywdLo9cIMEgQW1pwwkRdgFafd6ZHMvZHLcw",
  ],
  [
    "3swiADlVkFd7kYMQbv-03h4MccjkUZT2U5lCAmET3d4Y4oilLXWxpWUgwPy9QNvBx89oXvEmSphtYHlmR-SOlw",
    "_jP9-sEiwFiotAbTm38G-d5wqt5o1W8p74GGh4Rw8ixAAG4X7z0Gsn7DaQBxql9jzl1pl1UlYaCLJhgIXu3mlQ",
  ],
  [
    "9aRBEjscEk738jUBWRl3Bt7z0EQ2ILGkvTPet_clKGPMA-8-bi0HUCgndRWLr-bfItc9aewxguqwGljTlOIA5w",
    "4olOo8CIuoL03Za3rQ1Cnt2RFYbG1HI8RTvvysJ3NA1uhZCgUfUJx77OQLPCQV4YPis_TYuGtx7HV-SfvU9Uaw",
  ],
  [
    "7zcYhnBbAQDAk_7NbfurTXaGAUV5TbJQM5JucoI0vW9LWwGbJtOXMnPSbHkIuEBx_soGieaIJWTRKyPlph4jlQ",
    "98at5vRQdgi3JeWAzV1RQWsdQjjph7bKFb4tC5qtWzPkaAWJDv1LgiC0fghCpxYgEmoEjibgJPbtnSl18LvBhQ",
  ],
  [
    "zYutKEDMjmG14W8-xUk9W9ZloOpjmwp6I31mBCLihFrvWzcHTl3lq2AqUiURtozsl-cswPb4sbfjr_1qEGZUFw",
    "8qzOxKTmI4yiYebLTLH72ABORqnHbDZmEkoXaQQlxCqJsvYt8mzjlvyHNxHYrPBB_Ak8-a5UoyGlKlSuoSkU5Q",
  ],
  [
    "yK7FEi_o7f4JFrtxaAwxC_e9wwI1vPDWTpO-pKlNgFZTFMbSk1gjQZop0L9muYHLB9fY4ZEH7Usa9uebertA7w",
    "9GpiLmSyg8c8DJ5rwnP_xKLYBvCCtU5HvSUBaVYiu5pIfZM_HfOWyyGCCf9aj2YILdGNxCZwLXMpkiMtLXPKIQ",
  ],
  [
    "8gAH1sz7_FFJMp6NJlI9febvw2BF7UKx9C-IY9Gnr1XoerR3g2qawAu-U60W5NnpaitL-QNZ9NspkZCYPdoKmw",
    "4wK-UK9bxfZ7Nm_5QoJXt3vanwRAFj9bIOZro2pJ6BzIKvL662KNeOJmkSJ7IBlfO3bfQ3zqTVdxlZYfF5XSgw",
  ],
  [
    "6aCVYu7Id23jKpevYYZFf0Ahenxpfh2En_TNLlKRErsYmKx6JL9zseby-IDKTlQiaqOkGL7lMTE5xIZqHMT6PQ",
    "z6alvC7bEDN-q3Zh3Q15FScWQI4BBxhwI7DOvrrbN51YiFI4L-Tsl8Hw3J8vpxCnCQn3BrNxS3sL2kzdHxUmGQ",
  ],
  [
    "4jnbUhITR5WUt4JtuiSNXbN0jjV3dtlLkuK6Bn9lGO-3k8mcMj_31jbwWbn9qhVvZNpb3A_ENhYwWgXvX7RGyw",
    "zODOOz_Otfk0m5-Aj1aCJRAfeiLN0pfe9jdGALSkH0xiJZDTcZkjwD-i93VMHAgssJyOdMgJdAPRQa7TVMuOrQ",
  ],
  [
    "3ppEfxJgIo4PMBrOCyqBBuJTnCLqbnldTVREm7kJ3r3bwxIr-w7fR_Z7vPqJb2ZIyjseayo87CZL2kf59iLTKw",
    "6NETpa464WFJjxqzdIJeeeVJCNVnRvoqhSImxUYhMD-gQmYfYpSkdHfC6vN7tipdnaK8Axnrp-3HAUoIYsOBww",
  ],
  [
    "0OybwEQoBPxcVUf--rXZPk1noANyjSTPOlXzsYV8OrWEqCn3BciJXV5gVO3pxyiIYL1FxRhMLwFBlDa1apOolw",
    "91pROssmr9lwoY6gnCFZBeEgYKOD80WviPrnuhDAX6gx3nGvm5aX5smR6prv40uQqqBoG0Z9_ta_maCjPUcNGw",
  ],
  [
    "2ZZQZM9CTd7TjUBJidSKJpgsVWL176jBfFPIUtJbVcc2bSpLPA46e3wHtzNHznFU25WMXt84AdFjeR-mG8xVDQ",
    "9GYkccACkH0jpMiEbvMxZ1NVEjYYg4whXudl0JsunkJtoQVacUWt4f5OhzUpoAfjgrktu7s8ukbkVPNHBA_cZQ",
  ],
  [
    "8VHHKz89nAt_XlphaczdRPoJG1YWhwHErNu45Z9v_JdmkP3L77U95fpGkjVBGT1q5zJ-QKPNTYwE7_HMRTTCuw",
    "8dLaJHBTEgBxrcFl9SvTxmM_m9sOWgIoZfuJ5T6kcECP_xwXvcvAf6VYH5BeGIO5RgilGdSUdCeBxCjxpyAZTQ",
  ],
];
