import { useEffect, useRef, useState } from "preact/hooks";
import { useServices } from "../services";
import type { Draft, Write } from "../writes/write";
import { useStore } from "./useStore";

/** Sends one draft at a time and follows it; `onSaved` is called once for each that is saved. */
export function useWrite(onSaved: (write: Write) => void): {
  write: Write | undefined;
  send: (draft: Draft) => void;
} {
  const { queue } = useServices();
  const writes = useStore(queue.writes);
  const [key, setKey] = useState<string>();
  const write = writes.find((one) => one.key === key);
  const told = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (write?.state === "saved" && told.current !== write.key) {
      told.current = write.key;
      onSaved(write);
    }
  }, [write, onSaved]);
  return { write, send: (draft) => setKey(queue.add(draft).key) };
}
