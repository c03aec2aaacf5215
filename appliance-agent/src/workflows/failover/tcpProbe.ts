/** A program: `tcpProbe.ts <host> <port> <seconds>` tries to connect once from where it runs, and writes the outcome as JSON. */
import { connectTo } from './tcpConnect.ts';

const [host = '', port, seconds] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await connectTo(host, Number(port), Number(seconds))));
