/** Copies a disk as the agent would, in a process that a test can kill. Arguments: NBD URI, target, journal. */
import { openNbdSource } from '../transports/nbdSource.ts';
import { copyDisk } from './copyDisk.ts';
import { openDeviceTarget } from './deviceTarget.ts';
import { openJournal } from './journal.ts';

const [uri = '', targetPath = '', journalPath = ''] = process.argv.slice(2);
const { signal } = new AbortController();
await using source = await openNbdSource({ uri, signal });
const { sizeBytes } = source;
await using target = await openDeviceTarget({ path: targetPath, needBytes: sizeBytes, knownZero: true });
await using journal = await openJournal(journalPath, { volumeId: 'volume-1', capacityBytes: sizeBytes });
await journal.beginPoint({ snapshot: 'snapshot-1' }, 'all');
const result = await copyDisk({ source, target, journal, label: 'disk', signal });
console.log(JSON.stringify(result));
