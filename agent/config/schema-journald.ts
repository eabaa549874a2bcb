/** Every key of the journal's collector. */
import * as z from 'zod';
import { journalMatch, path, size, text } from './fields.ts';
import { attributes } from './schema-common.ts';

const KiB = 1024;
const priorities = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const;

export const journaldSchema = z
  .strictObject({
    type: z.literal('journald').describe('Follows the systemd journal.'),
    units: z.array(text()).prefault([]).meta({
      description: 'Only entries of these units (patterns are allowed), and what systemd says of them.',
      example: '[ssh.service, "nginx*"]',
    }),
    identifiers: z.array(text()).prefault([]).describe('Only entries with these syslog identifiers.'),
    priority: z
      .enum(priorities)
      .optional()
      .meta({ description: 'Only entries as severe as this, or more.', fallback: 'all of them' }),
    matches: z.array(journalMatch()).prefault([]).meta({
      description:
        "Only entries whose fields are these: journalctl's `FIELD=value`. Several of one field are alternatives, of different fields all must hold, `+` stands between two groups of which one must.",
      example: '[_TRANSPORT=kernel]',
    }),
    namespace: text(256)
      .optional()
      .meta({ description: 'The journal namespace that is read (systemd 245).', fallback: 'the default one' }),
    directory: path()
      .optional()
      .meta({ description: 'A folder with journal files to be read.', fallback: 'this system’s journal' }),
    start_at: z
      .enum(['beginning', 'end'])
      .prefault('beginning')
      .describe('`end`: what stands in the journal when this collector first runs in this data_dir is passed over.'),
    max_entry: size({ min: 16 * KiB, max: 1024 * KiB })
      .prefault('1MiB')
      .describe(
        'Of an entry’s names and values together. What is longer (a core dump in a field, say) is cut, and the record says of which field and how long it was.',
      ),
    journalctl: text().prefault('journalctl').describe('The program: a name that is looked for in PATH, or a path.'),
    attributes: attributes
      .prefault({})
      .meta({ description: 'Added to every record of this collector.', entry: 'text' }),
    resource: attributes
      .prefault({})
      .meta({ description: "Laid over the agent's `resource` for this collector.", entry: 'text' }),
  })
  .describe(
    'Follows the systemd journal through `journalctl`; each entry is collected once, whatever is killed. What Tailspool itself wrote to the journal is left out.',
  );
