package deploycheck

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// cluster is what a manifest asks for.
type cluster struct {
	sets      []*apps.StatefulSet
	services  []*core.Service
	configs   []*core.ConfigMap
	ingresses []*networking.Ingress
}

// decode reads manifests into Kubernetes' own types; a field that is none of
// theirs is an error.
func (c *cluster) decode(t *testing.T, text string) {
	t.Helper()
	for r := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text))); ; {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		var kind meta.TypeMeta
		if err := yaml.Unmarshal(doc, &kind); err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		if kind.Kind == "" && len(bytes.TrimSpace(doc)) == 0 {
			continue
		}
		var into any
		switch kind.APIVersion + " " + kind.Kind {
		case "apps/v1 StatefulSet":
			into = new(apps.StatefulSet)
			c.sets = append(c.sets, into.(*apps.StatefulSet))
		case "v1 Service":
			into = new(core.Service)
			c.services = append(c.services, into.(*core.Service))
		case "v1 ConfigMap":
			into = new(core.ConfigMap)
			c.configs = append(c.configs, into.(*core.ConfigMap))
		case "networking.k8s.io/v1 Ingress":
			into = new(networking.Ingress)
			c.ingresses = append(c.ingresses, into.(*networking.Ingress))
		default:
			t.Fatalf("an object of kind %q %q\n%s", kind.APIVersion, kind.Kind, doc)
		}
		if err := yaml.UnmarshalStrict(doc, into); err != nil {
			t.Errorf("%s: %v\n%s", kind.Kind, err, doc)
		}
	}
}

// fits holds what the API server would refuse, or what would never become ready,
// against the manifests.
func (c *cluster) fits(t *testing.T) {
	t.Helper()
	if len(c.sets) != 1 || len(c.services) != 1 {
		t.Fatalf("got %d sets and %d services, want one of each", len(c.sets), len(c.services))
	}
	set, service := c.sets[0], c.services[0]
	pod := set.Spec.Template
	for _, name := range []string{set.Name, service.Name} {
		if problems := validation.IsDNS1035Label(name); len(problems) > 0 {
			t.Errorf("the name %q: %v", name, problems)
		}
	}
	for key, value := range set.Spec.Selector.MatchLabels {
		if pod.Labels[key] != value || service.Spec.Selector[key] != value {
			t.Errorf("the label %s=%s is not on the pods or not what the service looks for", key, value)
		}
	}
	for key, value := range pod.Labels {
		if problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(problems) > 0 {
			t.Errorf("the label %s=%s: %v", key, value, problems)
		}
	}
	if set.Spec.ServiceName != service.Name || len(set.Spec.VolumeClaimTemplates) != 1 || len(pod.Spec.Containers) != 1 {
		t.Errorf("got the service %q, %d volumes and %d containers, want %q and one of each", set.Spec.ServiceName, len(set.Spec.VolumeClaimTemplates), len(pod.Spec.Containers), service.Name)
	}
	have := map[string]bool{}
	for _, v := range pod.Spec.Volumes {
		have[v.Name] = true
	}
	for _, v := range set.Spec.VolumeClaimTemplates {
		have[v.Name] = true
		if v.Spec.Resources.Requests.Storage().IsZero() {
			t.Error("the volume has no size")
		}
	}
	container := pod.Spec.Containers[0]
	mounts := map[string]string{}
	for _, m := range container.VolumeMounts {
		mounts[m.MountPath] = m.Name
		if !have[m.Name] {
			t.Errorf("there is no volume %q", m.Name)
		}
	}
	if mounts["/data"] == "" || mounts["/config"] == "" || mounts["/tmp"] == "" {
		t.Errorf("got the mounts %v, want /data, /config and /tmp, all that is written or read", mounts)
	}
	port := ""
	for _, p := range container.Ports {
		port = p.Name
	}
	for _, probe := range []*core.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Port.StrVal != port {
			t.Errorf("a probe is missing or asks another port than %q: %v", port, probe)
		}
	}
	if got := service.Spec.Ports[0].TargetPort.StrVal; got != port {
		t.Errorf("the service leads to port %q, want %q", got, port)
	}
	own, all := container.SecurityContext, pod.Spec.SecurityContext
	if own == nil || all == nil || !*all.RunAsNonRoot || *all.RunAsUser != 65532 || *all.FSGroup != 65532 || *own.AllowPrivilegeEscalation || !*own.ReadOnlyRootFilesystem || len(own.Capabilities.Drop) != 1 {
		t.Errorf("the pod may more than it needs: %+v %+v", all, own)
	}
	if !strings.Contains(strings.Join(container.Args, " "), "0.0.0.0:8080") || container.Ports[0].ContainerPort != 8080 {
		t.Errorf("it listens by %v, the port is %v", container.Args, container.Ports)
	}
}

func TestTheOneFileIsOnePodWithOneVolumeInSixtyLines(t *testing.T) {
	t.Parallel()
	text := read(t, "deploy/kubernetes/toban.yaml")
	if n := strings.Count(text, "\n"); n > 60 {
		t.Errorf("got %d lines, want at most 60", n)
	}
	var c cluster
	c.decode(t, text)
	c.fits(t)
	if got := *c.sets[0].Spec.Replicas; got != 1 {
		t.Errorf("got %d pods, want one", got)
	}
}
