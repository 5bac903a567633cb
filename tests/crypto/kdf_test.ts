import assert from "node:assert/strict";
import { hopKeysFrom, kdfRfc5869, kdfTor } from "../../src/crypto/kdf.ts";
import { NTOR } from "../../src/crypto/ntor.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("KDF-TOR gives C tor's vectors", () => {
  for (
    const [secret, expected] of [
      [
        "",
        "5ba93c9db0cff93f52b521d7420e43f6eda2784fbf8b4530d8d246dd74ac53a13471bba17941dff7c4ea21bb" +
        "365bbeeaf5f2c654883e56d11e43c44e9842926af7ca0a8cca12604f945414f07b01e13da42c6cf1de3abfde" +
        "a9b95f34687cbbe92b9a7383",
      ],
      [
        "Tor",
        "776c6214fc647aaa5f683c737ee66ec44f03d0372e1cce69227950f236ddf1e329a7ce7c227903303f525a8c" +
        "6662426e8034870642a6dabbd41b5d97ec9bf2312ea729992f48f8ea2d0ba83f45dfda1a80bdc8b80de01b23" +
        "e3e0ffae099b3e4ccf28dc28",
      ],
      [
        "AN ALARMING ITEM TO FIND ON A MONTHLY AUTO-DEBIT NOTICE",
        "a340b5d126086c3ab29c2af4179196dbf95e1c72431419d3314844bf8f6afb6098db952b95581fb6c3362570" +
        "9d6f4400b8e7ace18a70579fad83c0982ef73f89395bcc39493ad53a685854daf2ba9b78733b805d9a6824c9" +
        "07ee1dba5ac27a1e466d4d10",
      ],
    ]
  ) {
    assert.equal(kdfTor(bytes(secret), 100).toHex(), expected);
    assert.equal(kdfTor(bytes(secret), 41).toHex(), expected.slice(0, 82));
  }
  assert.equal(kdfTor(bytes("Tor"), 5120).length, 5120);
  assert.throws(() => kdfTor(bytes("Tor"), 5121), RangeError);
});

Deno.test("KDF-RFC5869 gives C tor's vectors and the RFC's", () => {
  for (
    const [secret, expected] of [
      [
        "Tor",
        "5521492a85139a8d9107a2d5c0d9c91610d0f95989975ebee6c02a4f8d622a6cfdf9b7c7edd3832e2760ded1" +
        "eac309b76f8d66c4a3c4d6225429b3a016e3c3d45911152fc87bc2de9630c3961be9fdb9f93197ea8e597718" +
        "0801926d3321fa21513e59ac",
      ],
      [
        "AN ALARMING ITEM TO FIND ON YOUR CREDIT-RATING STATEMENT",
        "a2aa9b50da7e481d30463adb8f233ff06e9571a0ca6ab6df0fb206fa34e5bc78d063fc291501beec53b36e5a" +
        "0e434561200c5f8bd13e0f88b3459600b4dc21d69363e2895321c06184879d94b18f078411be70b767c7fc40" +
        "679a9440a0c95ea83a23efbf",
      ],
    ]
  ) {
    assert.equal(kdfRfc5869(bytes(secret), NTOR.tKey, NTOR.mExpand, 100).toHex(), expected);
  }
  const rfc5869A1 = kdfRfc5869(
    new Uint8Array(22).fill(0x0b),
    Uint8Array.fromHex("000102030405060708090a0b0c"),
    Uint8Array.fromHex("f0f1f2f3f4f5f6f7f8f9"),
    42,
  );
  assert.equal(
    rfc5869A1.toHex(),
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  );
});

Deno.test("key material is cut into Df, Db, Kf and Kb", () => {
  const keys = hopKeysFrom(Uint8Array.from({ length: 72 }, (_, index) => index));
  assert.deepEqual([keys.forwardDigest[0], keys.forwardDigest.length], [0, 20]);
  assert.deepEqual([keys.backwardDigest[0], keys.backwardDigest.length], [20, 20]);
  assert.deepEqual([keys.forwardKey[0], keys.forwardKey.length], [40, 16]);
  assert.deepEqual([keys.backwardKey[0], keys.backwardKey.length], [56, 16]);
  assert.throws(() => hopKeysFrom(new Uint8Array(71)), RangeError);
});
