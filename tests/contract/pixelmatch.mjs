// Read a list of jobs (two PNG files, a threshold) and print pixelmatch's count for each.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

const load = createRequire(process.argv[2]);
const {PNG} = load('pngjs');
const {default: pixelmatch} = await import(pathToFileURL(load.resolve('pixelmatch')));
const jobs = JSON.parse(readFileSync(process.argv[3], 'utf8'));
const counts = jobs.map(({before, after, threshold}) => {
    const [one, other] = [before, after].map((path) => PNG.sync.read(readFileSync(path)));
    return pixelmatch(one.data, other.data, undefined, one.width, one.height, {threshold});
});
console.log(JSON.stringify(counts));
