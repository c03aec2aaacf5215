import type { Commands } from '../command.ts';
import type { Vm } from '../model.ts';
import type { Site } from '../site.ts';
import type { ConsoleProvider } from './consoleProxy.ts';
import { drawPicture } from './picture.ts';
import { RfbServer } from './rfbServer.ts';

export type { ConsoleProvider } from './consoleProxy.ts';

/** The screens of running VMs. */
export const consoleCommands: Commands = {
  createConsoleEndpoint: {
    kind: 'sync',
    description: "Tells where a running VM's console is",
    parameters: { virtualmachineid: { type: 'uuid', required: true }, token: { type: 'string' } },
    run: (call) => {
      const { site } = call;
      const vm = site.find(site.vms, call, 'virtualmachineid');
      const refused = (details: string) => ({ consoleendpoint: { success: false, details } });
      if (vm.state !== 'Running') {
        return refused(`VM ${vm.id} must be running to connect console, sending blank response`);
      }
      if (!site.options.consoles) {
        return refused('Console access will be ready in a few minutes. Please try it again later.');
      }
      const { port } = site.consoleProxy;
      const token = site.consoleProxy.admit({
        provider: site.consoles.get(vm.id) ?? stillPicture(site, vm),
        displayName: vm.displayName,
      });
      return {
        consoleendpoint: {
          success: true,
          url: `http://127.0.0.1:${port}/resource/noVNC/vnc.html?autoconnect=true&port=${port}&token=${token}`,
          websocket: { token, host: '127.0.0.1', port: String(port), path: 'websockify' },
        },
      };
    },
  },
};

/** Black before there is a disk to boot from; else a picture that follows from the VM's id. */
function stillPicture(site: Site, vm: Vm): ConsoleProvider {
  const picture = drawPicture(vm.id);
  if (site.volumesOf(vm.id).length === 0) picture.pixels.fill(0);
  return { open: async () => new RfbServer(picture, vm.instanceName) };
}
