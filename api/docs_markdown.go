package api

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extensionast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"toban/docs"
)

// drawMarkdown is a page of docs/ as HTML, with its first heading as the title.
// Nothing of it is taken for HTML. id makes the id of a heading.
func drawMarkdown(page string, id func(heading string) string) (title, body string, err error) {
	source := []byte(page)
	md := goldmark.New(
		goldmark.WithExtensions(extension.Table),
		goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(served{}, 0))),
	)
	tree := md.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(ids(id)))))
	if first, is := tree.FirstChild().(*ast.Heading); is {
		title = strings.ReplaceAll(string(first.Lines().Value(source)), "`", "")
	}
	var out bytes.Buffer
	if err := md.Renderer().Render(&out, source, tree); err != nil {
		return "", "", err
	}
	// What is wider than the page is moved by keys, too.
	return title, strings.ReplaceAll(out.String(), "<pre>", `<pre tabindex="0">`), nil
}

// ids makes the ids of headings, which are all different in our pages.
type ids func(heading string) string

func (make ids) Generate(heading []byte, _ ast.NodeKind) []byte { return []byte(make(string(heading))) }

func (ids) Put([]byte) {}

// anchor is the id of a heading, as those who host Markdown make it.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return '-'
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// errorAnchor is the id of a heading of docs/errors.md, the code that problems name.
func errorAnchor(heading string) string { return strings.Trim(heading, "`") }

// served makes a page's links lead to what is served.
type served struct{}

func (served) Transform(page *ast.Document, _ text.Reader, _ parser.Context) {
	var dead []*ast.Link
	_ = ast.Walk(page, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it never fails
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			to := docLink(string(n.Destination))
			if n.Destination = []byte(to); to == "" {
				dead = append(dead, n)
			}
		case *extensionast.Table:
			n.SetAttributeString("tabindex", []byte("0"))
		}
		return ast.WalkContinue, nil
	})
	for _, link := range dead {
		for child := link.FirstChild(); child != nil; child = link.FirstChild() {
			link.Parent().InsertBefore(link.Parent(), link, child)
		}
		link.Parent().RemoveChild(link.Parent(), link)
	}
}

// docLink is where a link of a page leads to as it is served; "" for a file that is
// not.
func docLink(to string) string {
	if strings.HasPrefix(to, "https://") || strings.HasPrefix(to, "http://") || strings.HasPrefix(to, "#") {
		return to
	}
	file, part, hasPart := strings.Cut(to, "#")
	name, is := strings.CutSuffix(file, ".md")
	_, known := docs.Page(name)
	if !is || !known && name != "errors" && name != "api" {
		return ""
	}
	if hasPart {
		return name + "#" + part
	}
	return name
}
