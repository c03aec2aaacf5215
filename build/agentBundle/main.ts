/** `npm run bundle:agent` */
import { makeAgentBundle } from './agentBundle.ts';

await makeAgentBundle((line) => console.log(line));
