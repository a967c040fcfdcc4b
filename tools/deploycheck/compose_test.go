package deploycheck

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// load reads a compose file with Compose's own loader, which holds it to the
// specification's schema.
func load(t *testing.T, file string) *types.Project {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir: filepath.Dir(path), ConfigFiles: []types.ConfigFile{{Filename: path}}, Environment: types.Mapping{},
	})
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, service := range project.Services {
		for _, v := range service.Volumes {
			if v.Type == types.VolumeTypeBind {
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s: service %s: %v", file, service.Name, err)
				}
			}
		}
		if b := service.Build; b != nil {
			if _, err := os.Stat(filepath.Join(b.Context, b.Dockerfile)); err != nil {
				t.Errorf("%s: service %s: %v", file, service.Name, err)
			}
		}
		for _, p := range service.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s: service %s is open to the network at port %s", file, service.Name, p.Published)
			}
		}
		if strings.HasSuffix(service.Image, ":latest") || service.Image != "toban" && !strings.Contains(service.Image, ":") {
			t.Errorf("%s: service %s: the image %s has no version", file, service.Name, service.Image)
		}
	}
	return project
}

func TestTobanAloneIsOneServiceAndOneVolume(t *testing.T) {
	t.Parallel()
	p := load(t, "deploy/compose/alone/compose.yaml")
	if len(p.Services) != 1 || len(p.Volumes) != 1 {
		t.Errorf("got %d services and %d volumes, want one of each", len(p.Services), len(p.Volumes))
	}
	tobanTakes(t, filepath.Join(root, "deploy/compose/alone/config"))
}

func TestTheSetWithGrafanaFitsTogether(t *testing.T) {
	t.Parallel()
	const dir = "deploy/compose/grafana/"
	p := load(t, dir+"compose.yaml")
	for _, name := range []string{"exporter", "prometheus", "alertmanager", "toban", "grafana"} {
		if _, err := p.GetService(name); err != nil {
			t.Error(err)
		}
	}
	tobanTakes(t, filepath.Join(root, dir, "toban"))
	run(t, tool(t, "promtool"), "check", "config", filepath.Join(root, dir, "prometheus/prometheus.yml"))
	run(t, tool(t, "amtool"), "check-config", filepath.Join(root, dir, "alertmanager/alertmanager.yml"))

	// Whom a file calls by name is there, at that port.
	for file, want := range map[string]string{
		"prometheus/prometheus.yml":               "exporter:9183",
		"alertmanager/alertmanager.yml":           "http://toban:8080/production/alerts",
		"provisioning/datasources/prometheus.yml": "http://prometheus:9090",
		"provisioning/dashboards/toban.yml":       "/var/lib/grafana/dashboards",
	} {
		if !strings.Contains(read(t, dir+file), want) {
			t.Errorf("%s does not name %s", file, want)
		}
	}
	// Only Alertmanager may post without a key.
	address := p.Services["alertmanager"].Networks["default"].Ipv4Address
	if want := "from: [" + address + "/32]"; address == "" || !strings.Contains(read(t, dir+"toban/toban.yaml"), want) {
		t.Errorf("toban.yaml does not have %q, the address of Alertmanager", want)
	}
	if got, want := p.Services["exporter"].Command, "0.0.0.0:9183"; !strings.Contains(strings.Join(got, " "), want) {
		t.Errorf("the exporter's command is %v, want it to listen on %s", got, want)
	}
}
