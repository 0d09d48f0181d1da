// Reads the bytes of a recording (docs/recording-format.md). Nothing in them is executed.

/** @import { Recording, Section } from "../types.js" */

const MAGIC = "THPLAB1\n";
const FORMAT = 4;
const ARRAYS = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f64: Float64Array };

/** @param {Uint8Array} bytes */
async function gunzip(bytes) {
  const stream = new Blob([/** @type {BlobPart} */ (bytes)])
    .stream()
    .pipeThrough(new DecompressionStream("gzip"));
  try {
    return await new Response(stream).arrayBuffer();
  } catch {
    throw new Error("this is not a recording of thplab, or it is cut off");
  }
}

/** @param {ArrayBuffer} buffer @param {number} start @param {string} name @param {Section} where */
function section(buffer, start, name, where) {
  const Items = ARRAYS[where.type];
  const begin = start + where.offset;
  if (!Items || begin + where.length * Items.BYTES_PER_ELEMENT > buffer.byteLength) {
    throw new Error(`the recording is cut off in section ${name}`);
  }
  const items = new Items(buffer, begin, where.length);
  if (where.steps) for (let i = 1; i < items.length; i++) items[i] += items[i - 1];
  return items;
}

// A recording is {header, columns}: the JSON, and one typed array for each section.
/** @param {Uint8Array} bytes @returns {Promise<Recording>} */
export async function decode(bytes) {
  const buffer = await gunzip(bytes);
  const raw = new Uint8Array(buffer);
  const text = new TextDecoder();
  if (text.decode(raw.subarray(0, 8)) !== MAGIC) throw new Error("this is not a recording of thplab");
  const length = new DataView(buffer).getUint32(8, true);
  const header = JSON.parse(text.decode(raw.subarray(12, 12 + length)));
  if (header.format !== FORMAT) {
    const anew =
      header.format < FORMAT ? ", made by an older thplab: record the scenario again and save it" : "";
    throw new Error(
      `this page reads format ${FORMAT}, this is a recording of format ${header.format}${anew}`,
    );
  }
  const start = Math.ceil((12 + length) / 8) * 8;
  const columns = /** @type {Recording["columns"]} */ ({});
  for (const [name, where] of Object.entries(header.sections)) {
    columns[name] = section(buffer, start, name, where);
  }
  return { header, columns };
}
