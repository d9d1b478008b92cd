import { defineConfig } from "vitest/config";

export default defineConfig({ test: { environment: "happy-dom", include: ["widget/**/*.test.ts", "desk/**/*.test.ts"] } });
