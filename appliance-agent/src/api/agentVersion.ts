import packageJson from '../../package.json' with { type: 'json' };

/** The version of this agent, as its package says. */
export const agentVersion: string = packageJson.version;
