/** A text with places for values: `sensors/{id}/temperature`. A brace that is meant is written twice. */
export interface Template {
  /** Texts, and between each two of them a place. */
  readonly texts: readonly string[];
  readonly places: readonly string[];
}

/** What stands at a place. */
export type Scalar = string | number | boolean | null;

/** The text is no template; the message says why. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/** @param names that may stand in braces. @throws TemplateError */
export function parseTemplate(text: string, names: readonly string[]): Template {
  const texts: string[] = [];
  const places: string[] = [];
  let current = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if ((character === '{' || character === '}') && text[at + 1] === character) {
      current += character;
      at++;
    } else if (character === '{') {
      const end = text.indexOf('}', at);
      if (end < 0) throw new TemplateError('"{" has no "}"; a brace that is meant is written twice: {{');
      const name = text.slice(at + 1, end);
      if (name.includes('"')) throw new TemplateError('JSON stands there without quotes around it: "payload": { ... }');
      if (!names.includes(name)) throw new TemplateError(`there is no value {${name}}; there are ${listed(names)}`);
      texts.push(current);
      places.push(name);
      current = '';
      at = end;
    } else if (character === '}') throw new TemplateError('"}" has no "{"; a brace that is meant is written twice: }}');
    else current += character;
  }
  return { texts: [...texts, current], places };
}

/** The text, with the values at their places. */
export function fill({ texts, places }: Template, lookUp: (name: string) => Scalar): string {
  let text = texts[0];
  for (let at = 0; at < places.length; at++) text += `${lookUp(places[at])}${texts[at + 1]}`;
  return text;
}

/** The same; a template that is nothing but one place keeps the type of the value. */
export function fillTyped(template: Template, lookUp: (name: string) => Scalar): Scalar {
  const { texts, places } = template;
  if (places.length === 1 && texts[0] === '' && texts[1] === '') return lookUp(places[0]);
  return fill(template, lookUp);
}

function listed(names: readonly string[]): string {
  return names.map((name) => `{${name}}`).join(', ');
}
