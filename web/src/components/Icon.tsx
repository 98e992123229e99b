const PATHS = {
  search:
    "M10.5 4a6.5 6.5 0 1 0 4 11.6l4.7 4.7 1.4-1.4-4.7-4.7A6.5 6.5 0 0 0 10.5 4Zm0 2a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Z",
  back: "M11 5 4 12l7 7 1.4-1.4L7.8 13H20v-2H7.8l4.6-4.6L11 5Z",
  sun: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10Zm-1-6h2v3h-2V1Zm0 19h2v3h-2v-3ZM1 11h3v2H1v-2Zm19 0h3v2h-3v-2ZM4.2 5.6l1.4-1.4 2.1 2.1-1.4 1.4-2.1-2.1Zm12.1 12.1 1.4-1.4 2.1 2.1-1.4 1.4-2.1-2.1ZM4.2 18.4l2.1-2.1 1.4 1.4-2.1 2.1-1.4-1.4ZM16.3 6.3l2.1-2.1 1.4 1.4-2.1 2.1-1.4-1.4Z",
  moon: "M12.5 3a7 7 0 0 0 8.2 9.8A9 9 0 1 1 12.5 3Zm-2.3 2.7a7 7 0 1 0 8 9.6 9 9 0 0 1-8-9.6Z",
  system: "M3 4h18v12h-7v2h3v2H7v-2h3v-2H3V4Zm2 2v8h14V6H5Z",
  check: "m9.5 17.4-5-5L6 11l3.5 3.5L18 6l1.5 1.4-10 10Z",
  clock:
    "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 2a7 7 0 1 1 0 14 7 7 0 0 1 0-14Zm-1 2v6l4.5 2.7 1-1.7-3.5-2.1V7h-2Z",
  alert: "M12 3 1.8 20.5h20.4L12 3Zm0 4 6.7 11.5H5.3L12 7Zm-1 3v5h2v-5h-2Zm0 6v2h2v-2h-2Z",
  offline:
    "m3.4 2 18.6 18.6-1.4 1.4-5.2-5.2a5 5 0 0 0-6.9.2L7 15.6a7 7 0 0 1 5-2.1L9.6 11a10 10 0 0 0-5 2.4L3.2 12a12 12 0 0 1 4.8-2.600L2 3.4 3.4 2ZM12 7c3.4 0 6.5 1.4 8.8 3.600l-1.4 1.400a10 10 0 0 0-5.2-2.700L11.9 7H12Zm0 11a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3Z",
  close:
    "m6.4 5 5.6 5.600L17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.600L6.4 19 5 17.600l5.6-5.600L5 6.4 6.4 5Z",
  trash: "M9 3h6l1 2h4v2H4V5h4l1-2ZM6 9h12l-1 12H7L6 9Zm2.2 2 .7 8h6.200l.7-8H8.200Z",
  edit: "m16.8 3 4.2 4.200L8.2 20H4v-4.200L16.8 3Zm0 2.800L6 16.600V18h1.400L18.2 7.200l-1.4-1.400Z",
} as const;

/** A picture beside a word; it says nothing that the word does not. */
export function Icon({ name }: { readonly name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="currentColor" />
    </svg>
  );
}
