import { Visitor } from '@swc/core/Visitor.js';

// The visitor that the parser below is read with does not know `using` yet, and gives up on a file that has it.
const { visitStatement } = Visitor.prototype;
Visitor.prototype.visitStatement = function visitStatementOrUsing(statement) {
  if (statement.type !== 'UsingDeclaration') return visitStatement.call(this, statement);
  statement.decls = this.visitVariableDeclarators(statement.decls);
  return statement;
};

/**
 * Keeps the import layers of ARCHITECTURE.md. Each entry: a folder of the agent, and the folders it may import.
 * Every layer may import `contract` and `disk`; nobody imports upwards.
 */
const mayImport = {
  contract: [],
  disk: [],
  tls: [],
  vsphere: ['tls'],
  cloudstack: ['tls'],
  nbd: [],
  transports: ['tls', 'vsphere', 'nbd'],
  blockcopy: [],
  volumes: ['cloudstack'],
  store: ['plan'],
  plan: [],
  guest: [],
  workflows: [
    'tls',
    'vsphere',
    'cloudstack',
    'transports',
    'blockcopy',
    'volumes',
    'plan',
    'store',
    'guest',
    'report',
  ],
  report: [],
  leases: [],
  doctor: ['vsphere', 'cloudstack', 'transports', 'leases', 'guest'],
  api: ['workflows', 'store', 'plan', 'vsphere', 'cloudstack', 'volumes', 'transports', 'leases', 'doctor'],
  cli: ['doctor', 'report'],
};

/** Layers that may read the configuration's type; the others get plain values from the composition root. */
const mayReadConfig = ['doctor', 'cli'];

const layerRules = Object.entries(mayImport).map(([layer, allowed]) => {
  const shared = layer === 'contract' ? [] : layer === 'disk' ? ['contract'] : ['contract', 'disk'];
  const folders = [layer, ...shared, ...allowed].join('|');
  return {
    name: `layer-${layer}`,
    comment: `${layer} may import: ${[...shared, ...allowed].join(', ') || 'nothing of ours'}`,
    severity: 'error',
    from: { path: `^appliance-agent/src/${layer}/`, pathNot: '\\.(test|testing)\\.ts$' },
    to: {
      path: '^appliance-agent/src/',
      pathNot: `^appliance-agent/src/((${folders})/${mayReadConfig.includes(layer) ? '|config\\.ts$' : ''})`,
    },
  };
});

export default {
  forbidden: [
    ...layerRules,
    {
      name: 'console-imports-contract-and-plan',
      comment: 'The desktop console knows the agent by its contract, and judges VMs by the same pure rules.',
      severity: 'error',
      from: { path: '^(electron|renderer)/' },
      to: { path: '^appliance-agent/src/', pathNot: '^appliance-agent/src/(contract|plan)/' },
    },
    {
      name: 'product-without-lab',
      comment: 'The lab and the tests never ship.',
      severity: 'error',
      from: { path: '^(appliance-agent/src|electron|renderer)/', pathNot: '\\.test\\.tsx?$' },
      to: { path: '^e2e/' },
    },
    {
      name: 'lab-stays-foreign',
      comment: 'The lab checks the product, so it shares no code with it.',
      severity: 'error',
      from: { path: '^e2e/lab/', pathNot: '\\.test\\.ts$' },
      to: { path: '^appliance-agent/src/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unlisted-package',
      comment: 'Every package that we import is named in a package.json of ours.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.types)/' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
};
