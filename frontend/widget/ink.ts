/** Which of black and white is read on a colour. */

const BLACK_ABOVE = 0.18; // relative luminance at which both reach 4.5 to 1 (WCAG 2.2, 1.4.3)

/** The ink for a colour as the browser computed it; white on what is no plain RGB. */
export function inkOn(color: string): "#000" | "#fff" {
  const [red, green, blue] = (/^rgb\((\d+), (\d+), (\d+)\)$/.exec(color)?.slice(1) ?? []).map(light);
  if (red === undefined || green === undefined || blue === undefined) return "#fff";
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > BLACK_ABOVE ? "#000" : "#fff";
}

function light(level: string): number {
  const part = Number(level) / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}
