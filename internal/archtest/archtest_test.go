package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the module's folder, seen from this package.
const root = "../.."

// listed is what `go list` says of one package.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImportsFollowTheDesign(t *testing.T) {
	t.Parallel()
	packages := list(t)
	if len(packages) == 0 {
		t.Fatal("go list found no package")
	}
	for _, p := range packages {
		pkg := strings.TrimPrefix(p.ImportPath, module)
		if _, known := rooms[room(pkg)]; !known {
			t.Errorf("%s: %s is no room of the design", pkg, room(pkg))
		}
		for _, each := range []struct {
			imports []string
			test    bool
		}{{p.Imports, false}, {p.TestImports, true}, {p.XTestImports, true}} {
			for _, imp := range each.imports {
				if why := forbidden(pkg, imp, each.test); why != "" {
					t.Errorf("%s must not import %s: %s", pkg, imp, why)
				}
			}
		}
	}
}

func TestHandWrittenFilesKeepTheHouseRules(t *testing.T) {
	t.Parallel()
	for _, files := range folders(t) {
		calls := bubbles(files)
		for _, s := range files {
			for _, f := range s.check(calls) {
				t.Error(f)
			}
		}
	}
}

func TestEveryErrorCodeIsDocumented(t *testing.T) {
	t.Parallel()
	var all []code
	for _, files := range folders(t) {
		list, found := codes(files)
		all = append(all, list...)
		for _, f := range found {
			t.Error(f)
		}
	}
	for _, f := range undocumented(all, read(t, "docs/errors.md")) {
		t.Error(f)
	}
}

func TestEveryDirectDependencyHasItsReason(t *testing.T) {
	t.Parallel()
	for _, f := range unexplained(read(t, "go.mod"), read(t, "docs/dependencies.md")) {
		t.Error(f)
	}
}

func list(t *testing.T) (packages []listed) {
	t.Helper()
	// -e: a package that does not compile is the compiler's to report.
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// sources are the module's Go files, without those that Go itself passes over.
func sources(t *testing.T) (all []*source) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			hidden := name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"))
			if hidden || base == "testdata" || name == filepath.Join(root, "tools") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		inside, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(inside), text)
		if err != nil {
			return err
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(all, func(a, b *source) int { return strings.Compare(a.folder(), b.folder()) })
	return all
}

// folders are the sources by their folders, in order.
func folders(t *testing.T) (all [][]*source) {
	t.Helper()
	for _, s := range sources(t) {
		if last := len(all) - 1; last >= 0 && all[last][0].folder() == s.folder() {
			all[last] = append(all[last], s)
		} else {
			all = append(all, []*source{s})
		}
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
