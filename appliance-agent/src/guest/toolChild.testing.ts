import { ToolProcess } from './toolProcess.ts';

/** An agent that runs a tool with a helper, tells the helper's process id, and is killed by a test. */
const tool = new ToolProcess({
  command: '/bin/sh',
  parameters: ['-c', 'sleep 600 & echo $!; wait'],
  environment: { PATH: process.env.PATH },
  onLine: (line) => console.log(line),
});
await tool.exited;
