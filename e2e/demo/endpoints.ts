import type { Stage } from './stage.ts';

export interface VcenterLogin {
  readonly url: string;
  readonly username: string;
  readonly passwordFile: string;
}

/** Adds source and target to the stage's agent, by the commands that a person would type; the source is the lab's where no other is given. */
export async function addEndpoints(stage: Stage, given?: VcenterLogin): Promise<void> {
  const { lab } = stage;
  const vcenter = given ?? {
    url: lab.vcenter.url,
    username: lab.vcenter.username,
    passwordFile: await stage.secretFile('vcenter-password', lab.vcenter.password),
  };
  const keys = await stage.secretFile('cloud-keys', `${lab.cloud.apiKey}\n${lab.cloud.secretKey}\n`);
  const account = ['--username', vcenter.username, '--password-file', vcenter.passwordFile];
  await stage.run('source', 'add', 'vcenter', vcenter.url, '--trust', ...account);
  await stage.run('target', 'add', 'cloud', lab.cloud.url, '--keys-file', keys);
  const { zoneId, serviceOfferingId, diskOfferingId, networkId } = lab.cloud.defaults;
  const place = ['--zone', zoneId, '--service-offering', serviceOfferingId];
  const parts = ['--disk-offering', diskOfferingId, '--network', networkId];
  await stage.run('target', 'config', 'cloud', ...place, ...parts);
}
