import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const edge = process.env.MILLSTREAM_EDGE ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), tailwind()],
  build: { target: "es2022", sourcemap: false, chunkSizeWarningLimit: 1200 },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": edge, "/graphql": edge, "/openapi.json": edge, "/ws": { target: edge, ws: true } },
  },
});
