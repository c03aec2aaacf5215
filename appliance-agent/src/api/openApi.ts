import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';

/** The contract's schemas under their names, so that the document refers to them in place of repeating them. */
function namedSchemas(): z.core.$ZodRegistry<{ id?: string | undefined }> {
  const registry = z.registry<{ id?: string | undefined }>();
  // Sorted: the order of a module's names is not the same under every loader.
  for (const name of Object.keys(contract).sort()) {
    const value: unknown = Reflect.get(contract, name);
    if (value instanceof z.ZodType) registry.add(value, { id: name });
  }
  return registry;
}

/** Derives the OpenAPI document from the routes that are registered after this call, and serves it. */
export async function registerOpenApi(app: FastifyInstance, version: string): Promise<void> {
  const schemaRegistry = namedSchemas();
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'OSSEA Migrate agent',
        description:
          'Every error is a problem document (RFC 9457), `application/problem+json`, of the schema Problem.',
        version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: createJsonSchemaTransform({ schemaRegistry }),
    transformObject: createJsonSchemaTransformObject({ schemaRegistry }),
  });
  app.get(
    '/openapi.json',
    { config: { operation: 'openapi', role: 'none' }, schema: { hide: true } },
    async () => openApiDocument(app),
  );
}

const schemaReference = /"#\/components\/schemas\/([^"]+)"/g;

/** The document, without the schemas that no operation refers to: every schema is derived for requests and for replies. */
export function openApiDocument(app: FastifyInstance): object {
  const document = app.swagger();
  if (!('components' in document) || !document.components?.schemas) return document;
  const { schemas, ...components } = document.components;
  const used = new Set<string>();
  const follow = (part: unknown) => {
    for (const [, name] of JSON.stringify(part ?? null).matchAll(schemaReference)) {
      if (name === undefined || used.has(name)) continue;
      used.add(name);
      follow(Reflect.get(schemas, name));
    }
  };
  follow(document.paths);
  const kept = Object.entries(schemas).filter(([name]) => used.has(name));
  return { ...document, components: { ...components, schemas: Object.fromEntries(kept) } };
}
