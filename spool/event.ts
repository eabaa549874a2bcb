/**
 * What a record of format `json` says: one object a line, in the terms of the OpenTelemetry log data model
 * (https://opentelemetry.io/docs/specs/otel/logs/data-model/), with every field but those that the source has for all its records
 * (its resource, its attributes, when it was collected). `docs/events.md` is the page for people. Pure.
 */

/** A value as JSON has it. What is not text (bytes that are no UTF-8) stands as `{"bytes": "<base64>"}`. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

export type Values = Readonly<Record<string, Value>>;

/** One event. A field that is not known is left out, never null. */
export interface Event {
  /** When it happened as its origin says: RFC 3339 in UTC (`…Z`), with as many digits of a second as the origin gave, at most nine. */
  readonly timestamp?: string | undefined;
  /** When it was first observed, where that is not the moment at which this agent took it; like `timestamp`. */
  readonly observedTimestamp?: string | undefined;
  /** 1 to 24: 1 trace, 5 debug, 9 info, 13 warn, 17 error, 21 fatal. */
  readonly severityNumber?: number | undefined;
  /** As the origin named it. */
  readonly severityText?: string | undefined;
  readonly eventName?: string | undefined;
  /** 32 and 16 hexadecimal digits in lower case. */
  readonly traceId?: string | undefined;
  readonly spanId?: string | undefined;
  /** W3C trace flags, a 32-bit number. */
  readonly traceFlags?: number | undefined;
  /** Beside and before those of the source. */
  readonly resource?: Values | undefined;
  readonly scope?: Scope | undefined;
  /** Beside and before those of the source. */
  readonly attributes?: Values | undefined;
  readonly body?: Value | undefined;
}

/** The instrumentation that made an event. */
export interface Scope {
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly attributes?: Values | undefined;
}

const keys = {
  timestamp: true,
  observedTimestamp: true,
  severityNumber: true,
  severityText: true,
  eventName: true,
  traceId: true,
  spanId: true,
  traceFlags: true,
  resource: true,
  scope: true,
  attributes: true,
  body: true,
} satisfies Record<keyof Event, true>;

/** The event that a parsed record is; another value is the body of one. */
export function eventOf(value: Value): Event {
  return isEvent(value) ? value : { body: value };
}

function isEvent(value: Value): value is Values & Event {
  if (!isValues(value)) return false;
  const { resource, scope, attributes } = value;
  return (
    Object.keys(value).every((key) => key in keys) &&
    [resource, scope, attributes].every((part) => part === undefined || isValues(part))
  );
}

function isValues(value: Value): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
