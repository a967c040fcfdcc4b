package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
)

// code is an error's stable code and where it is first given.
type code struct {
	name  string
	where string
}

// codes collects the Code of every oncall.Error and problem.Document that the
// files of one folder write out, and the code that is handed to a function of
// that folder which makes one. Any other is a finding: it could not be looked
// for in docs/errors.md.
func codes(files []*source) (list []code, found []finding) {
	makers := map[string]int{} // functions that make an error, with the place of the code among their parameters
	take := func(s *source, value ast.Expr) {
		if basic, ok := value.(*ast.BasicLit); ok && basic.Kind == token.STRING {
			name, _ := strconv.Unquote(basic.Value) // the parser has read it
			list = append(list, code{name, s.at(basic, "").where})
			return
		}
		found = append(found, s.at(value, "an error's code is written out, so that docs/errors.md can be held to it"))
	}
	for _, s := range files {
		for _, decl := range s.file.Decls {
			fn, _ := decl.(*ast.FuncDecl) // nil for others
			ast.Inspect(decl, func(n ast.Node) bool {
				lit, ok := n.(*ast.CompositeLit)
				if !ok || s.test() || !s.visible(lit) {
					return true
				}
				switch value := member(lit, "Code").(type) {
				case nil:
				case *ast.SelectorExpr: // a copy of another error's
					if value.Sel.Name != "Code" {
						take(s, value)
					}
				case *ast.Ident:
					if i := parameter(fn, value.Name); i >= 0 {
						makers[fn.Name.Name] = i
					} else {
						take(s, value)
					}
				default:
					take(s, value)
				}
				return true
			})
		}
	}
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || s.test() {
				return true
			}
			if i, ok := makers[called(call)]; ok && i < len(call.Args) {
				take(s, call.Args[i])
			}
			return true
		})
	}
	return list, found
}

// parameter is the place of a name among fn's parameters, or -1.
func parameter(fn *ast.FuncDecl, name string) int {
	if fn == nil {
		return -1
	}
	i := 0
	for _, field := range fn.Type.Params.List {
		for _, each := range field.Names {
			if each.Name == name {
				return i
			}
			i++
		}
	}
	return -1
}

// called is the name of the function or method that call calls.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// visible reports whether lit is an error that people see: by its type's name
// or, where the type is left out, by its members.
func (s *source) visible(lit *ast.CompositeLit) bool {
	switch t := lit.Type.(type) {
	case nil:
		return member(lit, "Kind") != nil && member(lit, "Message") != nil
	case *ast.SelectorExpr:
		x, ok := t.X.(*ast.Ident)
		return ok && (x.Name == "oncall" && t.Sel.Name == "Error" || x.Name == "problem" && t.Sel.Name == "Document")
	case *ast.Ident:
		return s.folder() == "oncall" && t.Name == "Error" || s.folder() == "internal/problem" && t.Name == "Document"
	}
	return false
}

func member(lit *ast.CompositeLit, name string) ast.Expr {
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == name {
				return kv.Value
			}
		}
	}
	return nil
}

var errorHeading = regexp.MustCompile("(?m)^### `?([a-z0-9_.]+)`?$")

// undocumented compares the codes of the tree with the headings of
// docs/errors.md, both ways.
func undocumented(codes []code, page string) []finding {
	headings := map[string]bool{}
	var found []finding
	matches := errorHeading.FindAllStringSubmatch(page, -1)
	for _, m := range matches {
		if headings[m[1]] {
			found = append(found, finding{"docs/errors.md", m[1] + " has two headings"})
		}
		headings[m[1]] = true
	}
	used := map[string]bool{}
	for _, c := range codes {
		if !headings[c.name] && !used[c.name] {
			found = append(found, finding{c.where, "docs/errors.md has no heading for " + c.name})
		}
		used[c.name] = true
	}
	for _, m := range matches {
		if !used[m[1]] {
			found = append(found, finding{"docs/errors.md", m[1] + " is given by nobody"})
		}
	}
	return found
}
