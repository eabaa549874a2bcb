/** `tailspool schema`: the JSON Schema of the configuration, for editors. */
import { configurationJsonSchema } from '../config/json-schema.ts';
import { type Command, exitCodes } from './commands.ts';

export const schemaCommand: Command<object> = async (_options, context) => {
  await context.out(`${JSON.stringify(configurationJsonSchema(), undefined, 2)}\n`);
  return exitCodes.ok;
};
