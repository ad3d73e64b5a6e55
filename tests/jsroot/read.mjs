// Reads every branch of a tree, or every field of an RNTuple, with jsroot and prints one JSON line for each: entries, values,
// CRC-32 of the values as little-endian bytes of their own type (texts: their UTF-8). jsroot is found through NODE_MODULES, the path of
// a folder node_modules.
//
// node read.mjs FILE NAME
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const [file, tableName] = process.argv.slice(2);
const jsroot = name => import(pathToFileURL(join(process.env.NODE_MODULES, 'jsroot', 'modules', name)));
const { openFile } = await jsroot('io.mjs');
const { TSelector, treeProcess } = await jsroot('tree.mjs');
const { readHeaderFooter, rntupleProcess } = await jsroot('rntuple.mjs');

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
   for (let bit = 0; bit < 8; ++bit)
      n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
   return n;
});

class Sum {
   values = 0;
   crc = 0xffffffff;
   add(bytes) {
      for (const byte of bytes)
         this.crc = (this.crc >>> 8) ^ crcTable[(this.crc ^ byte) & 0xff];
   }
   get checksum() { return (this.crc ^ 0xffffffff) >>> 0; }
}

const scratch = new DataView(new ArrayBuffer(8));
const writers = {
   bool: [1, v => scratch.setUint8(0, v ? 1 : 0)],
   char: [1, v => scratch.setInt8(0, typeof v === 'string' ? v.charCodeAt(0) : v)],
   'unsigned char': [1, v => scratch.setUint8(0, v)],
   short: [2, v => scratch.setInt16(0, v, true)],
   'unsigned short': [2, v => scratch.setUint16(0, v, true)],
   int: [4, v => scratch.setInt32(0, v, true)],
   'unsigned int': [4, v => scratch.setUint32(0, v, true)],
   Long64_t: [8, v => scratch.setBigInt64(0, BigInt(v), true)],
   ULong64_t: [8, v => scratch.setBigUint64(0, BigInt(v), true)],
   float: [4, v => scratch.setFloat32(0, v, true)],
   double: [8, v => scratch.setFloat64(0, v, true)]
};
const letters = {
   O: 'bool', B: 'char', b: 'unsigned char', S: 'short', s: 'unsigned short', I: 'int', i: 'unsigned int',
   L: 'Long64_t', l: 'ULong64_t', F: 'float', D: 'double', C: 'text'
};

const fieldTypes = {
   'std::int8_t': 'char', 'std::uint8_t': 'unsigned char', 'std::int16_t': 'short', 'std::uint16_t': 'unsigned short',
   'std::int32_t': 'int', 'std::uint32_t': 'unsigned int', 'std::int64_t': 'Long64_t', 'std::uint64_t': 'ULong64_t',
   'std::string': 'text'
};

// std::vector<std::vector<float>> and the like: what is innermost.
function typeOfField(field) {
   const type = field.typeName.replace(/(std::vector<)+/, '').replace(/>+$/, '');
   return fieldTypes[type] ?? type;
}

// The same of a branch: vector<vector<float> >.
function typeOf(branch) {
   if (branch.fClassName)
      return branch.fClassName.replace(/(vector<)+/, '').replace(/[ >]+$/, '').replace('string', 'text');
   return letters[branch.fTitle.slice(branch.fTitle.lastIndexOf('/') + 1)];
}

function add(sum, type, value) {
   if (value === null || value === undefined)
      return;
   if (typeof value === 'object') {
      for (let i = 0; i < value.length; ++i)
         add(sum, type, value[i]);
      return;
   }
   ++sum.values;
   if (type === 'text') {
      sum.add(Buffer.from(value, 'latin1')); // jsroot makes one character of each byte
   } else {
      const [bytes, write] = writers[type];
      write(value);
      sum.add(new Uint8Array(scratch.buffer, 0, bytes));
   }
}

const content = readFileSync(file);
const root = await openFile(content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength));
const table = await root.readObject(tableName);

// Names, types and the function that goes through the entries: trees and RNTuples differ in nothing else.
async function columnsOf(table) {
   if (table._typename === 'ROOT::RNTuple') {
      const builder = await readHeaderFooter(table);
      const top = builder.fieldDescriptors.filter((field, id) => Number(field.parentFieldId) === id);
      return {
         entries: builder.clusterSummaries.length,
         columns: top.map(field => ({ name: field.fieldName, type: typeOfField(field), source: field.fieldName })),
         process: rntupleProcess
      };
   }
   const branches = table.fBranches.arr;
   const isCounter = branch => branch.fLeaves.arr[0].fIsRange;
   return {
      entries: table.fEntries,
      columns: branches.map(branch => ({ name: branch.fName, type: typeOf(branch), source: branch, first: isCounter(branch) })),
      process: treeProcess
   };
}

const { entries: any, columns, process: readAll } = await columnsOf(table);
const selector = new TSelector();
// A counter has to be added before what it counts.
for (const column of [...columns].sort((a, b) => (b.first ?? false) - (a.first ?? false)))
   selector.addBranch(column.source, column.name);
for (const column of columns)
   column.sum = new Sum();
let entries = 0;
selector.Process = function () {
   ++entries;
   for (const column of columns)
      add(column.sum, column.type, this.tgtobj[column.name]);
};
selector.Terminate = () => {};
if (any > 0)
   await readAll(table, selector, {});
for (const { name, sum } of columns)
   console.log(JSON.stringify({ branch: name, entries, values: sum.values, crc: sum.checksum }));
process.exit(0);
