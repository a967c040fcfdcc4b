package web

import "toban/oncall"

// monitorExample is what stands in the form of a new monitor of a kind; one that
// nobody knows is http.
func monitorExample(kind oncall.MonitorKind) (oncall.MonitorKind, string) {
	switch kind {
	case oncall.MonitorPing:
		return kind, "ping: router.example.jp\nevery: 15s\ndown_after: 3x\nseverity: warning\n"
	case oncall.MonitorTCP:
		return kind, "tcp: mail.example.jp:587\nstarttls: smtp\ndown_after: 45s\nseverity: critical\n"
	case oncall.MonitorDNS:
		return kind, "dns:\n  name: shop.example.jp\n  type: A\n  server: 192.0.2.53\n  expect: [192.0.2.10]\nseverity: critical\n"
	case oncall.MonitorCertificate:
		return kind, "certificate: shop.example.jp\ndays: 21\nseverity: warning\n"
	case oncall.MonitorGRPC:
		return kind, "grpc: shop.example.jp:50051\ngrpc_service: shop.Checkout\ntls: true\nseverity: critical\n"
	case oncall.MonitorHeartbeat:
		return kind, "heartbeat:\n  cron: \"0 3 * * *\"\n  zone: Asia/Tokyo\n  grace: 30m\nseverity: warning\n"
	case oncall.MonitorPromQL:
		return kind, "promql: node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.05\ndown_after: 10m\nseverity: warning\n"
	case oncall.MonitorMetric:
		return kind, "metric:\n  service: shop\n  name: orders.failed\n  critical: 0\n  points: 3\n  missing: 30m\nseverity: critical\n"
	}
	return oncall.MonitorHTTP, "http: https://shop.example.jp/health\nevery: 15s\ndown_after: 45s\nseverity: critical\n"
}
