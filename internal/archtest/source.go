package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// ceiling is the most lines a hand-written file may have.
const ceiling = 600

var (
	generated  = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`)
	sql        = regexp.MustCompile(`(?s)^\s*(SELECT\s.*\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+.*\sAS\s*\(|CREATE\s+(TABLE|INDEX|UNIQUE)\s)`)
	emptyName  = regexp.MustCompile(`^(util|utils|common|helper|helpers|types|models?|misc|shared)$`)
)

// sqlHomes may contain SQL beside tests.
var sqlHomes = []string{"store", "internal/testserver", "e2e"}

// source is one Go file.
type source struct {
	name      string // path in the module, with slashes
	text      []byte
	generated bool
	set       *token.FileSet
	file      *ast.File
}

// finding is one broken rule at one place.
type finding struct{ where, what string }

func (f finding) String() string { return f.where + ": " + f.what }

func parse(name string, text []byte) (*source, error) {
	s := &source{name: name, text: text, generated: generated.Match(text), set: token.NewFileSet()}
	var err error
	s.file, err = parser.ParseFile(s.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return s, err
}

func (s *source) folder() string { return path.Dir(s.name) }

func (s *source) test() bool { return strings.HasSuffix(s.name, "_test.go") }

func (s *source) at(n ast.Node, format string, args ...any) finding {
	return finding{s.name + ":" + strconv.Itoa(s.set.Position(n.Pos()).Line), fmt.Sprintf(format, args...)}
}

// check is every rule about one hand-written file; bubbles are the functions of
// its folder that run in a synctest bubble.
func (s *source) check(bubbles map[string]bool) []finding {
	if s.generated {
		return nil
	}
	var found []finding
	if n := strings.Count(string(s.text), "\n"); n > ceiling {
		found = append(found, finding{s.name, fmt.Sprintf("%d lines, at most %d: split it by what it is about", n, ceiling)})
	}
	if name := s.file.Name.Name; emptyName.MatchString(name) {
		found = append(found, s.at(s.file.Name, "a package named %s says nothing about what is in it", name))
	}
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if mark := unfinished.FindString(c.Text); mark != "" {
				found = append(found, s.at(c, "%s: finish it or file it as an issue", mark))
			}
		}
	}
	synctest := s.imports("testing/synctest") // then what sleeps is most likely called in one
	bubble := synctest
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			bubble = synctest || bubbles[n.Name.Name]
			if n.Recv == nil && n.Name.Name == "init" {
				found = append(found, s.at(n, "no init: a constructor is called by whoever needs it"))
			}
		case *ast.SelectorExpr:
			if why := s.selector(n, bubble); why != "" {
				found = append(found, s.at(n, "%s", why))
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING && !s.test() && !within(s.folder(), sqlHomes...) {
				if text, err := strconv.Unquote(n.Value); err == nil && sql.MatchString(text) {
					found = append(found, s.at(n, "SQL lives in store"))
				}
			}
		}
		return true
	})
	return found
}

// bubbles are the functions of one folder that make a synctest bubble, or call
// one that does.
func bubbles(files []*source) map[string]bool {
	found := map[string]bool{}
	for before := -1; before < len(found); {
		before = len(found)
		for _, s := range files {
			for _, decl := range s.file.Decls {
				fn, ok := decl.(*ast.FuncDecl)
				if !ok || !s.test() {
					continue
				}
				ast.Inspect(fn, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.CallExpr:
						found[fn.Name.Name] = found[fn.Name.Name] || found[called(n)]
					case *ast.SelectorExpr:
						x, ok := n.X.(*ast.Ident)
						found[fn.Name.Name] = found[fn.Name.Name] || ok && x.Name == "synctest"
					}
					return true
				})
			}
		}
		maps.DeleteFunc(found, func(_ string, yes bool) bool { return !yes })
	}
	return found
}

// selector says what is wrong with x.Name here, or "".
func (s *source) selector(n *ast.SelectorExpr, bubble bool) string {
	x, ok := n.X.(*ast.Ident)
	if !ok {
		return ""
	}
	switch n.Sel.Name {
	case "Skip", "Skipf", "SkipNow":
		if s.test() && x.Name != "filepath" && x.Name != "fs" {
			return "a test that leaves itself out hides a missing part; let it fail and say what to install"
		}
	case "Sleep":
		if s.test() && x.Name == "time" && !bubble {
			return "no sleeping outside of synctest bubbles"
		}
	}
	if x.Name == "time" && within(s.folder(), "oncall", "asl") && !s.test() {
		switch n.Sel.Name {
		case "Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker":
			return "the centre reads no clock: take the time as an argument"
		}
	}
	return ""
}

func (s *source) imports(name string) bool {
	for _, spec := range s.file.Imports {
		if spec.Path.Value == strconv.Quote(name) {
			return true
		}
	}
	return false
}
