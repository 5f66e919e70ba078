// Text is shown as what it is: characters that are not seen, or that turn the order of others around, stand as escapes. Every text that becomes
// part of a page passes here, whoever has written it, and none becomes markup: see `guardText`.

import { options } from "preact";

// Control characters but for tab and line feed; marks of direction; of no width; what follows no other.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udfff]/g;

export function seen(text: string): string {
  return text.replace(UNSEEN, (found) => {
    let escaped = "";
    for (let at = 0; at < found.length; at++) escaped += `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`;
    return escaped;
  });
}

function children(value: unknown): unknown {
  if (typeof value === "string") return seen(value);
  return Array.isArray(value) ? value.map(children) : value;
}

/** From now on no element is made with a text in it that has not passed `seen`. */
export function guardText(): void {
  const before = options.vnode;
  options.vnode = (vnode) => {
    if (typeof vnode.type === "string" || vnode.type === undefined) {
      const props = vnode.props as unknown as Record<string, unknown>;
      if (props && "children" in props) props.children = children(props.children);
      for (const name of ["title", "aria-label", "placeholder"]) if (typeof props?.[name] === "string") props[name] = seen(props[name]);
    }
    before?.(vnode);
  };
}
