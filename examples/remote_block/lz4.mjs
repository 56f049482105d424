// LZ4 frames to bytes: the coordinator's records are compressed so, and kafkajs has no codec for it.

function sized(source, at, size) {
  // Sizes of 15 go on in bytes that are added up, until one is not 255.
  let byte = 255;
  while (size >= 15 && byte === 255) size += byte = source[at++];
  return [size, at];
}

function block(source, at, end, out) {
  while (at < end) {
    const token = source[at++];
    let literals, match;
    [literals, at] = sized(source, at, token >> 4);
    while (literals--) out.push(source[at++]);
    if (at >= end) return;
    const back = source.readUInt16LE(at);
    [match, at] = sized(source, at + 2, token & 15);
    for (match += 4; match > 0; match--) out.push(out[out.length - back]);
  }
}

export function decompress(source) {
  const flags = source[4];
  const out = [];
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  for (;;) {
    const head = source.readUInt32LE(at);
    if (head === 0) return Buffer.from(out);
    const size = head & 0x7fffffff;
    at += 4;
    if (head >>> 31) out.push(...source.subarray(at, at + size));
    else block(source, at, at + size, out);
    at += size + (flags & 0x10 ? 4 : 0);
  }
}
