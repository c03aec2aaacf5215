/** What sets a Linux guest's network up at boot. */
export type NetworkStack =
  | 'netplan'
  | 'network-manager'
  /** Red Hat's `ifcfg` files, read by NetworkManager. */
  | 'ifcfg-network-manager'
  /** The same, read by the service `network`. */
  | 'ifcfg'
  | 'wicked'
  | 'ifupdown'
  | 'networkd';
