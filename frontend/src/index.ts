export * from "./core.js";
export {
  RealtimeProvider,
  useClientLogs,
  useNodeStatus,
  useRealtime,
  useWebSocket,
  type ClientLogs,
  type NodeStatus,
  type RealtimeProviderProps,
  type WebSocketHook,
} from "./react.js";
