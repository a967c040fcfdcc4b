package twilio

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// document is a TwiML answer that can be played.
type document struct {
	verbs    []verb
	warnings []Note // problems the real service tells and goes on
}

// verb is one instruction with the attributes that are valid.
type verb struct {
	name     string
	attrs    map[string]string
	text     string        // flattened, white space folded
	breaks   time.Duration // pauses inside a Say
	children []verb        // of a Gather
}

// element is XML before anything is known of TwiML.
type element struct {
	name     string
	attrs    []xml.Attr
	text     string // only when it is no element: a piece of text
	children []element
}

const (
	maxDepth    = 16
	maxElements = 2000
	maxAttrs    = 50 // of one element
)

var (
	errNotXML    = errors.New("the document is not well-formed XML")
	errTooDeep   = errors.New("the document is nested too deep, or has too many elements or attributes")
	errDirective = errors.New("the document has a DOCTYPE")
)

// parseTwiML reads a document strictly. The note is what makes it unplayable;
// everything milder is among the document's warnings.
func parseTwiML(body []byte) (document, *Note) {
	if len(body) > maxTwiML {
		return document{}, &Note{Code: 11750, Text: "TwiML response body too large"}
	}
	root, err := readXML(body)
	if err != nil {
		return document{}, &Note{Code: 12100, Text: "Document parse failure: " + err.Error()}
	}
	if root.name != "Response" {
		return document{}, &Note{Code: 12102, Text: "Document parse failure: the root element must be Response"}
	}
	var r reader
	r.attributes(root, nil)
	for _, e := range root.children {
		r.top(e)
	}
	return document(r), nil
}

// readXML builds the tree of the one root element.
func readXML(body []byte) (element, error) {
	if !utf8.Valid(body) {
		return element{}, errNotXML
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	var (
		open  []*element
		root  *element
		count int
	)
	for {
		at := d.InputOffset()
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return element{}, errNotXML
		}
		switch t := token.(type) {
		case xml.StartElement:
			if count++; count > maxElements || len(open) == maxDepth || len(t.Attr) > maxAttrs {
				return element{}, errTooDeep
			}
			if len(open) == 0 && root != nil || repeats(t.Attr) {
				return element{}, errNotXML
			}
			e := element{name: qualified(t.Name), attrs: append([]xml.Attr(nil), t.Attr...)}
			if len(open) == 0 {
				root = &e
				open = append(open, root)
				continue
			}
			parent := open[len(open)-1]
			parent.children = append(parent.children, e)
			open = append(open, &parent.children[len(parent.children)-1])
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				parent := open[len(open)-1]
				parent.children = append(parent.children, element{text: string(t)})
			} else if strings.TrimSpace(string(t)) != "" {
				return element{}, errNotXML
			}
		case xml.ProcInst:
			if t.Target == "xml" && at != 0 {
				return element{}, errNotXML
			}
		case xml.Directive:
			return element{}, errDirective
		}
	}
	if root == nil || len(open) > 0 {
		return element{}, errNotXML
	}
	return *root, nil
}

func qualified(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

// repeats finds an attribute that stands twice, which encoding/xml lets pass.
func repeats(attrs []xml.Attr) bool {
	for i, a := range attrs {
		for _, b := range attrs[:i] {
			if a.Name == b.Name {
				return true
			}
		}
	}
	return false
}

func (e element) isText() bool { return e.name == "" }

func (e element) attr(name string) string {
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// fold is text as it is spoken or used: white space is one blank.
func fold(text string) string { return strings.Join(strings.Fields(text), " ") }
