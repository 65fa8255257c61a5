/**
 * Schemas of one thread: equal types share one {@link ChannelSchema}, so that the generated loops
 * can be shared too. The id is a hash of the canonical JSON; two types with the same id get ids
 * apart.
 */
import { hashString } from '../../base/hash.ts';
import type { TypeInformation } from '../../types/type-information.ts';
import { typeFromJson, typeToJson } from '../../types/type-json.ts';
import type { ChannelSchema } from './channel.ts';

const byJson = new Map<string, ChannelSchema>();
const ids = new Set<number>();

/** The schema of a type; `keyed` schemas carry a hash column. */
export function schemaOf(type: TypeInformation<unknown>, keyed: boolean): ChannelSchema {
  const json = JSON.stringify({ keyed, type: typeToJson(type) });
  const known = byJson.get(json);
  if (known !== undefined) return known;
  let id = hashString(json);
  while (ids.has(id)) id = (id + 1) | 0;
  return remember({ id, type, keyed, json });
}

/** The schema that another thread announced under `id`. */
export function schemaFromJson(id: number, json: string): ChannelSchema {
  const known = byJson.get(json);
  if (known !== undefined && known.id === id) return known;
  const parsed = JSON.parse(json) as { keyed: boolean; type: unknown };
  return remember({ id, type: typeFromJson(parsed.type), keyed: parsed.keyed, json });
}

function remember(schema: ChannelSchema): ChannelSchema {
  const frozen = Object.freeze(schema);
  byJson.set(frozen.json, frozen);
  ids.add(frozen.id);
  return frozen;
}
