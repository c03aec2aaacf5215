/** The icon of the program, beside its name. */
export function Brand({ size = 24 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 512 512" aria-hidden style={{ flex: 'none' }}>
      <rect width="512" height="512" rx="112" fill="#215b92" />
      <g fill="#fff">
        {[96, 344].map((x) => (
          <g key={x}>
            <rect x={x} y="136" width="72" height="72" rx="14" />
            <rect x={x} y="220" width="72" height="72" rx="14" opacity=".55" />
            <rect x={x} y="304" width="72" height="72" rx="14" />
          </g>
        ))}
      </g>
      <path
        d="M196 256h112m-40-44 44 44-44 44"
        fill="none"
        stroke="#9fd3ff"
        strokeWidth="30"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
