import Fastify from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { agentVersion } from './agentVersion.ts';
import { openApiDocument, registerOpenApi } from './openApi.ts';
import { eventsOptions, metricsOptions, operationNames, operationOptions } from './operations.ts';

/** The OpenAPI document as formatted JSON, out of the contract alone: no service runs. */
export async function describeApi(): Promise<string> {
  const app = Fastify({ exposeHeadRoutes: false });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  await registerOpenApi(app, agentVersion);
  const handler = async () => undefined;
  for (const name of operationNames) app.route({ ...operationOptions(name), handler });
  app.route({ ...eventsOptions, handler });
  app.route({ ...metricsOptions, handler });
  await app.ready();
  const document = openApiDocument(app);
  await app.close();
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
