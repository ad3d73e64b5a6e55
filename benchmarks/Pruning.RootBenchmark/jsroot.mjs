// Reads all branches of a tree with jsroot and prints processor and wall seconds of the best of three runs.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const [path, treeName] = process.argv.slice(2);
const jsroot = name => import(pathToFileURL(join(process.env.NODE_MODULES, 'jsroot', 'modules', name)));
const { openFile } = await jsroot('io.mjs');
const { TSelector, treeProcess } = await jsroot('tree.mjs');
const content = readFileSync(path);

async function run() {
   const file = await openFile(content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength));
   const tree = await file.readObject(treeName);
   const selector = new TSelector();
   let values = 0;
   for (const branch of tree.fBranches.arr)
      selector.addBranch(branch, branch.fName);
   selector.Process = function () {
      for (const branch of tree.fBranches.arr)
         values += this.tgtobj[branch.fName].length ?? 1;
   };
   selector.Terminate = () => {};
   await treeProcess(tree, selector, {});
   return values;
}

let processor = Infinity;
let wall = Infinity;
for (let i = 0; i < 3; ++i) {
   const before = process.cpuUsage();
   const start = performance.now();
   await run();
   wall = Math.min(wall, (performance.now() - start) / 1e3);
   const used = process.cpuUsage(before);
   processor = Math.min(processor, (used.user + used.system) / 1e6);
}
console.log(`${processor} ${wall}`);
process.exit(0);
