import type { Stage } from './stage.ts';

export interface VcenterLogin {
  readonly url: string;
  readonly username: string;
  /** The password, or the file where it stands. */
  readonly password: string | { readonly file: string };
}

/** Adds source and target to the stage's agent, by the commands that a person would type; the source is the lab's where no other is given. */
export async function addEndpoints(stage: Stage, given?: VcenterLogin): Promise<void> {
  const { lab } = stage;
  const { url, username, password } = given ?? lab.vcenter;
  const passwordFile =
    typeof password === 'string' ? await stage.secretFile('vcenter-password', password) : password.file;
  const keys = await stage.secretFile('cloud-keys', `${lab.cloud.apiKey}\n${lab.cloud.secretKey}\n`);
  const login = ['--username', username, '--password-file', passwordFile];
  await stage.run('source', 'add', 'vcenter', url, '--trust', ...login);
  await stage.run('target', 'add', 'cloud', lab.cloud.url, '--keys-file', keys);
  const { zoneId, serviceOfferingId, diskOfferingId, networkId } = lab.cloud.defaults;
  const place = ['--zone', zoneId, '--service-offering', serviceOfferingId];
  const parts = ['--disk-offering', diskOfferingId, '--network', networkId];
  await stage.run('target', 'config', 'cloud', ...place, ...parts);
}
