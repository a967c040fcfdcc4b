package deploycheck

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

const chart = root + "/deploy/helm/toban"

// render is what `helm install` would send, with its check of the values.
func render(values map[string]any) (manifests map[string]string, err error) {
	c, err := loader.Load(chart)
	if err != nil {
		return nil, err
	}
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "toban", Namespace: "oncall", Revision: 1, IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

// installed is render, read by Kubernetes' types; notes is what is printed.
func installed(t *testing.T, values map[string]any) (c cluster, notes string) {
	t.Helper()
	manifests, err := render(values)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(manifests)) {
		switch filepath.Ext(name) {
		case ".yaml":
			c.decode(t, manifests[name])
		case ".txt":
			notes = manifests[name]
		}
	}
	c.fits(t)
	for _, config := range c.configs {
		folder := t.TempDir()
		for name, text := range config.Data {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		tobanTakes(t, folder)
	}
	return c, notes
}

func TestHelmLintsTheChart(t *testing.T) {
	t.Parallel()
	for _, m := range lint.AllWithKubeVersion(chart, nil, "oncall", &chartutil.KubeVersion{Version: "v1.32.0", Major: "1", Minor: "32"}).Messages {
		if m.Severity > support.InfoSev { // an icon is recommended
			t.Error(m)
		}
	}
}

func TestTheChartAsItIsRunsOnePod(t *testing.T) {
	t.Parallel()
	c, notes := installed(t, nil)
	if len(c.ingresses) != 0 || len(c.configs) != 1 {
		t.Errorf("got %d ingresses and %d configurations, want none and one", len(c.ingresses), len(c.configs))
	}
	if !strings.Contains(notes, "logs toban-0") {
		t.Errorf("the notes do not say where the set-up link is:\n%s", notes)
	}
}

func TestTheIngressFollowsTheExternalAddress(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ url, host, path, external string }{
		{"https://toban.example.jp", "toban.example.jp", "/", "https://toban.example.jp"},
		{"https://example.jp/toban/", "example.jp", "/toban", "https://example.jp/toban"},
		{"http://example.jp:8080/a/b", "example.jp", "/a/b", "http://example.jp:8080/a/b"},
	} {
		c, _ := installed(t, map[string]any{
			"externalUrl": tc.url, "toban": map[string]any{"zone": "Asia/Tokyo", "trusted_proxies": []any{"10.0.0.0/8"}},
			"ingress": map[string]any{"enabled": true, "className": "nginx", "annotations": map[string]any{"cert-manager.io/cluster-issuer": "own"}},
		})
		if len(c.ingresses) != 1 {
			t.Fatalf("%s: got %d ingresses, want one", tc.url, len(c.ingresses))
		}
		spec := c.ingresses[0].Spec
		rule := spec.Rules[0]
		path := rule.HTTP.Paths[0]
		if rule.Host != tc.host || path.Path != tc.path || path.Backend.Service.Name != c.services[0].Name || path.Backend.Service.Port.Name != c.services[0].Spec.Ports[0].Name {
			t.Errorf("%s: got %s%s to %+v, want %s%s to the service", tc.url, rule.Host, path.Path, path.Backend.Service, tc.host, tc.path)
		}
		if secure := strings.HasPrefix(tc.url, "https:"); secure != (len(spec.TLS) == 1) || secure && (spec.TLS[0].SecretName != "toban-tls" || spec.TLS[0].Hosts[0] != tc.host) {
			t.Errorf("%s: got TLS %+v", tc.url, spec.TLS)
		}
		if got, want := c.configs[0].Data["toban.yaml"], "external_url: "+tc.external+"\n"; !strings.Contains(got, want) {
			t.Errorf("%s: got\n%swant %s", tc.url, got, want)
		}
	}
}

func TestSeveralNodesHaveASecretWithTheirStore(t *testing.T) {
	t.Parallel()
	if _, err := render(map[string]any{"nodes": 2}); err == nil || !strings.Contains(err.Error(), "TOBAN_DATABASE_URL") {
		t.Errorf("got %v, want a refusal that names TOBAN_DATABASE_URL", err)
	}
	c, _ := installed(t, map[string]any{
		"nodes": 3, "existingSecret": "toban", "nodeSelector": map[string]any{"kubernetes.io/os": "linux"}, "imagePullSecrets": []any{map[string]any{"name": "registry"}},
		"tolerations": []any{map[string]any{"key": "own", "operator": "Exists"}}, "affinity": map[string]any{"podAntiAffinity": map[string]any{}},
		"podAnnotations": map[string]any{"a": "b"}, "service": map[string]any{"type": "LoadBalancer", "annotations": map[string]any{"c": "d"}},
		"volume": map[string]any{"storageClass": "fast", "size": "20Gi"}, "image": map[string]any{"tag": "v1.2.3"},
	})
	pod := c.sets[0].Spec.Template.Spec
	if got := pod.Containers[0].EnvFrom; len(got) != 1 || got[0].SecretRef.Name != "toban" {
		t.Errorf("got the environment of %+v, want that of the secret", got)
	}
	if *c.sets[0].Spec.Replicas != 3 || pod.Containers[0].Image != "toban:v1.2.3" || *c.sets[0].Spec.VolumeClaimTemplates[0].Spec.StorageClassName != "fast" {
		t.Errorf("got %d pods of %s", *c.sets[0].Spec.Replicas, pod.Containers[0].Image)
	}
}

func TestAChangedConfigurationIsANewPod(t *testing.T) {
	t.Parallel()
	sum := func(zone string) string {
		c, _ := installed(t, map[string]any{"toban": map[string]any{"zone": zone}})
		return c.sets[0].Spec.Template.Annotations["checksum/config"]
	}
	if a, b := sum("UTC"), sum("Asia/Tokyo"); a == b || a == "" {
		t.Errorf("got the sums %q and %q, want two", a, b)
	}
}

func TestAFolderOfOnesOwnTakesThePlaceOfTheCharts(t *testing.T) {
	t.Parallel()
	c, _ := installed(t, map[string]any{"existingConfigMap": "mine"})
	if got := c.sets[0].Spec.Template.Spec.Volumes[0].ConfigMap.Name; len(c.configs) != 0 || got != "mine" {
		t.Errorf("got %d configurations and the folder of %q, want none and mine", len(c.configs), got)
	}
}

func TestTheSchemaRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]map[string]any{
		"an address without a scheme":        {"externalUrl": "toban.example.jp"},
		"an address with a query":            {"externalUrl": "https://toban.example.jp/?a=b"},
		"no node":                            {"nodes": 0},
		"a value that nothing reads":         {"replicas": 2},
		"a second address":                   {"toban": map[string]any{"external_url": "https://other.example.jp"}},
		"a file that the chart writes":       {"config": map[string]any{"toban.yaml": "a: b"}},
		"a file in a folder":                 {"config": map[string]any{"a/b.yaml": "a: b"}},
		"sizes that are none":                {"volume": map[string]any{"size": "much"}},
		"a kind of service that there isn't": {"service": map[string]any{"type": "Ingress"}},
	} {
		if _, err := render(values); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
