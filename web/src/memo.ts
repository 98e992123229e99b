import { Component, type ComponentType, h } from "preact";

/** A component that is drawn again only when one of its properties is another (preact/compat has it, with much more). */
export function memo<P extends object>(Inner: ComponentType<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const names = Object.keys(next) as (keyof P)[];
      const now = this.props as P;
      return names.some((name) => next[name] !== now[name]);
    }
    override render() {
      return h(Inner, this.props as P);
    }
  } as unknown as ComponentType<P>;
}
