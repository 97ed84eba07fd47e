/**
 * The part of the Standard Schema interface (standardschema.dev, version 1) that this client uses: Zod, Valibot, ArkType
 * and others implement it, so that their schemas can be given wherever a codec is taken.
 */
export interface StandardSchema<In = unknown, Out = In> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Out> | Promise<StandardResult<Out>>;
    /** For inference only; no value has it. */
    readonly types?: { readonly input: In; readonly output: Out } | undefined;
  };
}

export type StandardResult<Out> =
  | { readonly value: Out; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema takes. */
export type SchemaInput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input'];
/** What a schema makes of it. */
export type SchemaOutput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output'];

/** A payload does not fit the schema of its codec. */
export class PayloadInvalid extends Error {
  override readonly name = 'PayloadInvalid';
  readonly issues: readonly StandardIssue[];

  constructor(issues: readonly StandardIssue[]) {
    super(`The payload does not fit its schema: ${issues.map(issueText).join('; ')}`);
    this.issues = issues;
  }
}

/**
 * The value as the schema returns it, which may be another one than it was given; a promise where the schema validates
 * asynchronously.
 * @throws PayloadInvalid; or the promise is rejected with it
 */
export function validated<Out>(schema: StandardSchema<unknown, Out>, value: unknown): Out | Promise<Out> {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then(outputOf) : outputOf(result);
}

function outputOf<Out>(result: StandardResult<Out>): Out {
  if (result.issues !== undefined) throw new PayloadInvalid(result.issues);
  return result.value;
}

function issueText({ path = [], message }: StandardIssue): string {
  if (path.length === 0) return message;
  const keys = path.map((step) => String(typeof step === 'object' ? step.key : step));
  return `${keys.join('.')}: ${message}`;
}
