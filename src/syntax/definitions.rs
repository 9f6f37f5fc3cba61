//! What a text defines and what it uses, by the patterns in `queries/`.

use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::Node;

use super::search::FoundName;
use super::{Definition, DefinitionKind, Language, grammar};

/// Lines of comments and attributes that are counted to a definition, at most.
const MAX_ATTACHED_LINES: usize = 200;

/// Finds what `text` defines, in the order of the lines; what is nested comes after what it is nested in.
///
/// Empty for a text that is too long or too costly, see [`super::parses`]. A text with errors gives what is readable in it.
pub fn definitions(language: Language, text: &str) -> Vec<Definition> {
    names(language, text).0
}

/// Finds what `text` defines, see [`definitions`], and the names that it calls or uses as types, each once, in byte order.
pub fn names(language: Language, text: &str) -> (Vec<Definition>, Vec<String>) {
    let (Some(tree), Some(paths)) = (grammar::parse(language, text), grammar::paths(language)) else {
        return (Vec::new(), Vec::new());
    };
    let lines: Vec<&str> = text.lines().collect();
    // One node may match two patterns (a constant that is a function): the first pattern of the file wins.
    let mut found: BTreeMap<(usize, usize), (usize, Definition)> = BTreeMap::new();
    let mut used = BTreeSet::new();
    paths.search(&tree, text.as_bytes(), |FoundName { name, defines, pattern }| {
        let Some((kind, whole)) = defines else {
            used.extend(name.utf8_text(text.as_bytes()).ok());
            return;
        };
        let Some(definition) = definition_of(language, (whole, kind), name, (text, &lines)) else { return };
        // The same start and a later end is the outer one.
        let key = (name.start_byte(), usize::MAX - whole.end_byte());
        let entry = found.entry(key).or_insert((pattern, definition.clone()));
        if pattern < entry.0 {
            *entry = (pattern, definition);
        }
    });
    let mut all: Vec<Definition> = found.into_values().map(|(_, definition)| definition).collect();
    all.sort_by_key(|d| (*d.lines.start(), std::cmp::Reverse(*d.lines.end()), d.name_line));
    if language == Language::Markdown {
        lengthen_sections(&mut all, &lines);
    }
    name_methods(&mut all);
    let used: BTreeSet<&str> = used.into_iter().map(|name| name.trim_matches(['"', '\''])).collect();
    (all, used.into_iter().map(str::to_owned).collect())
}

/// Lets a heading that is underlined stand for the text up to the next heading; the grammar knows sections of `#` alone.
fn lengthen_sections(sections: &mut [Definition], lines: &[&str]) {
    let starts: Vec<usize> = sections.iter().map(|section| *section.lines.start()).collect();
    for (at, section) in sections.iter_mut().enumerate() {
        let first = *section.lines.start();
        if lines.get(first - 1).is_some_and(|line| !line.trim_start().starts_with('#')) {
            let next = starts[at + 1..].iter().find(|start| **start > first);
            section.lines = first..=next.map_or(lines.len(), |next| next - 1);
        }
    }
}

/// What a capture of a query stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A whole definition.
    Whole(DefinitionKind),
    /// The name of a definition.
    Name,
    /// A name that is used.
    Use,
    /// It only serves a condition.
    Condition,
}

fn definition_of(
    language: Language,
    (whole, kind): (Node<'_>, DefinitionKind),
    name: Node<'_>,
    (text, lines): (&str, &[&str]),
) -> Option<Definition> {
    let text_of_name = name.utf8_text(text.as_bytes()).ok()?;
    let first_row = whole.start_position().row;
    let above = lines.iter().take(first_row).rev().take(MAX_ATTACHED_LINES);
    let attached = above.take_while(|line| is_attached(language, line)).count();
    Some(Definition {
        name: bare_name(text_of_name).to_owned(),
        kind,
        lines: first_row + 1 - attached..=last_row(whole) + 1,
        name_line: name.start_position().row + 1,
    })
}

/// Tells what a capture stands for by its name.
pub(super) fn role(capture: &str) -> Role {
    Role::Whole(match capture {
        "function" => DefinitionKind::Function,
        "method" => DefinitionKind::Method,
        "class" => DefinitionKind::Class,
        "interface" => DefinitionKind::Interface,
        "enum" => DefinitionKind::Enum,
        "implementation" => DefinitionKind::Implementation,
        "module" => DefinitionKind::Module,
        "type" => DefinitionKind::Type,
        "constant" => DefinitionKind::Constant,
        "macro" => DefinitionKind::Macro,
        "section" => DefinitionKind::Section,
        "name" => return Role::Name,
        "reference" => return Role::Use,
        _ => return Role::Condition,
    })
}

/// Takes the qualification and the type parameters from a name: `ns::List<T>::push` is `push`.
fn bare_name(name: &str) -> &str {
    let (mut depth, mut start) = (0_i32, 0);
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth -= 1,
            b':' if depth == 0 => start = at + 1,
            _ => {}
        }
    }
    let last = name[start..].trim_matches([' ', '\n', '\r', '"', '\'', '&']);
    match last.find('<') {
        Some(at) if at > 0 && !last.starts_with("operator") => &last[..at],
        _ => last,
    }
}

/// Tells whether a line belongs to what stands below it: a comment, an attribute, a decorator or a template's parameters.
///
/// By the text, because a parsed node does not know its neighbours without a walk from the top.
fn is_attached(language: Language, line: &str) -> bool {
    let starts: &[&str] = match language {
        Language::Rust => &["//", "#[", "/*", "*"],
        Language::Python | Language::Ruby | Language::Bash | Language::Yaml | Language::Toml => &["#", "@"],
        Language::Php => &["//", "#", "/*", "*"],
        Language::CSharp => &["//", "[", "/*", "*"],
        Language::Cpp => &["//", "/*", "*", "template"],
        Language::JavaScript
        | Language::TypeScript
        | Language::Tsx
        | Language::Java
        | Language::Kotlin
        | Language::Swift
        | Language::Scala => &["//", "/*", "*", "@"],
        Language::Go | Language::C => &["//", "/*", "*"],
        Language::Css => &["/*", "*"],
        Language::Html => &["<!--"],
        Language::Json | Language::Markdown => &[],
    };
    let line = line.trim_start();
    starts.iter().any(|start| line.starts_with(start)) && !line.starts_with("#!")
}

/// A function right in a type is a method, whatever the grammar calls it. `all` comes outer first.
fn name_methods(all: &mut [Definition]) {
    let mut open: Vec<(usize, DefinitionKind)> = Vec::new();
    for definition in all {
        while open.last().is_some_and(|(end, _)| end < definition.lines.start()) {
            open.pop();
        }
        let in_type = matches!(
            open.last(),
            Some((
                _,
                DefinitionKind::Class
                    | DefinitionKind::Interface
                    | DefinitionKind::Enum
                    | DefinitionKind::Implementation
            ))
        );
        if definition.kind == DefinitionKind::Function && in_type {
            definition.kind = DefinitionKind::Method;
        }
        open.push((*definition.lines.end(), definition.kind));
    }
}

/// A node that ends in column 0 ends with the line break of the row above.
fn last_row(node: Node<'_>) -> usize {
    let (start, end) = (node.start_position().row, node.end_position());
    if end.column == 0 && end.row > start { end.row - 1 } else { end.row }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each definition as `kind name first-last`, and the references.
    fn check(language: Language, text: &str, expected: &[&str], used: &[&str]) {
        super::super::search::tests::check(language, text);
        let found: Vec<String> = definitions(language, text)
            .iter()
            .map(|d| format!("{:?} {} {}-{}@{}", d.kind, d.name, d.lines.start(), d.lines.end(), d.name_line))
            .collect();
        assert_eq!(found, expected, "{language:?}");
        assert_eq!(names(language, text).1, used, "{language:?}");
    }

    #[test]
    fn rust() {
        let text = "use a::b;\n\n/// Says.\n#[derive(Debug)]\npub struct Point<T> {\n    x: T,\n}\n\nimpl<T> Point<T> {\n    /// New.\n    fn new() -> Self {\n        fn inner() {}\n        b::make(format!(\"x\"))\n    }\n}\n\nmod m {\n    pub const N: u8 = 1;\n}\nenum E { A }\ntrait T1 { fn go(&self); }\nmacro_rules! mac { () => {} }\ntype Alias = u8;\n";
        check(
            Language::Rust,
            text,
            &[
                "Class Point 3-7@5",
                "Implementation Point 9-15@9",
                "Method new 10-14@11",
                "Function inner 12-12@12",
                "Module m 17-19@17",
                "Constant N 18-18@18",
                "Enum E 20-20@20",
                "Interface T1 21-21@21",
                "Method go 21-21@21",
                "Macro mac 22-22@22",
                "Type Alias 23-23@23",
            ],
            &["Alias", "E", "Point", "Self", "T", "T1", "format", "make"],
        );
    }

    #[test]
    fn python() {
        let text = "LIMIT = 3  # top\n\n@cache\nclass A(Base):\n    @property\n    def b(self):\n        return c(self.d())\n\nasync def e():\n    def f(): pass\n    x = 1\n";
        check(
            Language::Python,
            text,
            &["Constant LIMIT 1-1@1", "Class A 3-7@4", "Method b 5-7@6", "Function e 9-11@9", "Function f 10-10@10"],
            &["Base", "c", "cache", "d", "property"],
        );
    }

    #[test]
    fn javascript() {
        let text = "// Top.\nexport const add = (a, b) => a + b;\nclass A extends B {\n  #p() {}\n  run = () => go();\n  get x() { return new C().y(); }\n}\nfunction* gen() {}\nmodule.exports.tool = function () {};\nconst table = { act() {}, 'two': 2, fn: () => 1 };\nvar old = 1;\n";
        check(
            Language::JavaScript,
            text,
            &[
                "Function add 1-2@2",
                "Class A 3-7@3",
                "Method #p 4-4@4",
                "Method run 5-5@5",
                "Method x 6-6@6",
                "Function gen 8-8@8",
                "Function tool 9-9@9",
                "Constant table 10-10@10",
                "Method act 10-10@10",
                "Method fn 10-10@10",
                "Constant old 11-11@11",
            ],
            &["B", "C", "go", "y"],
        );
    }

    #[test]
    fn typescript_and_tsx() {
        let text = "export interface I { m(): void }\nenum E { A }\ntype T = I;\nexport abstract class A<X> implements I {\n  abstract n(): void;\n  m() { use(this.o.p()); }\n}\nnamespace N { export function f(): T { return g<T>(); } }\nexport const k = (x: number) => x;\n";
        let expected = [
            "Interface I 1-1@1",
            "Method m 1-1@1",
            "Enum E 2-2@2",
            "Type T 3-3@3",
            "Class A 4-7@4",
            "Method n 5-5@5",
            "Method m 6-6@6",
            "Module N 8-8@8",
            "Function f 8-8@8",
            "Function k 9-9@9",
        ];
        for language in [Language::TypeScript, Language::Tsx] {
            check(language, text, &expected, &["A", "I", "T", "X", "g", "p", "use"]);
        }
    }

    #[test]
    fn go() {
        let text = "package a\n\n// S is.\ntype S struct{ x int }\ntype (\n\tR interface{ Read() }\n\tF func()\n)\nfunc (s *S) Run() { helper(s.Read()) }\nfunc helper(v T) {}\nconst A, B = 1, 2\nvar (\n\tc = 1\n)\n";
        check(
            Language::Go,
            text,
            &[
                "Class S 3-4@4",
                "Interface R 6-6@6",
                "Method Read 6-6@6",
                "Type F 7-7@7",
                "Method Run 9-9@9",
                "Function helper 10-10@10",
                "Constant A 11-11@11",
                "Constant B 11-11@11",
                "Constant c 13-13@13",
            ],
            &["F", "R", "Read", "S", "T", "helper", "int"],
        );
    }

    #[test]
    fn java() {
        let text = "package a;\n\n/** Doc. */\n@Deprecated\npublic class A extends B {\n  A() { }\n  @Override\n  int m() { return new C().n(); }\n  record P(int x) { P { } }\n}\ninterface I { void q(); }\nenum E { X }\n@interface N { }\n";
        check(
            Language::Java,
            text,
            &[
                "Class A 3-10@5",
                "Method A 6-6@6",
                "Method m 7-8@8",
                "Class P 9-9@9",
                "Method P 9-9@9",
                "Interface I 11-11@11",
                "Method q 11-11@11",
                "Enum E 12-12@12",
                "Interface N 13-13@13",
            ],
            &["B", "C", "Deprecated", "Override", "n"],
        );
    }

    #[test]
    fn c() {
        let text = "#define MAX 3\n#define SQ(x) ((x)*(x))\nstruct s { int x; };\ntypedef struct { int y; } t;\nenum e { A };\n/* Doc. */\nstatic int *f(struct s *p)\n{\n  return g(p->h(1));\n}\nint main(void) { return 0; }\nint later(t v);\n";
        check(
            Language::C,
            text,
            &[
                "Macro MAX 1-1@1",
                "Macro SQ 2-2@2",
                "Class s 3-3@3",
                "Type t 4-4@4",
                "Enum e 5-5@5",
                "Function f 6-10@7",
                "Function main 11-11@11",
                "Function later 12-12@12",
            ],
            &["e", "g", "h", "s", "t"],
        );
    }

    #[test]
    fn cpp() {
        let text = "namespace n {\ntemplate <class T>\nclass List : public Base<T> {\n public:\n  List();\n  ~List() {}\n  T& at(int i) { return get(i); }\n  bool operator<(const List& o);\n};\ntemplate <class T>\nList<T>::List() { util::fill(x.y()); }\nusing Alias = int;\nenum class E { A };\n}\nint *n::List<int>::raw() { return 0; }\n";
        check(
            Language::Cpp,
            text,
            &[
                "Module n 1-14@1",
                "Class List 2-9@3",
                "Method List 5-5@5",
                "Method ~List 6-6@6",
                "Method at 7-7@7",
                "Method List 10-11@11",
                "Type Alias 12-12@12",
                "Enum E 13-13@13",
                "Function raw 15-15@15",
            ],
            &["Alias", "Base", "E", "List", "T", "fill", "get", "y"],
        );
    }

    #[test]
    fn ruby() {
        let text = "module M\n  # Doc.\n  class A < B\n    X = 1\n    def m?(a) = go(a.b)\n    def self.n\n      C.new\n    end\n  end\nend\n";
        check(
            Language::Ruby,
            text,
            &["Module M 1-10@1", "Class A 2-9@3", "Constant X 4-4@4", "Method m? 5-5@5", "Method n 6-8@6"],
            &["A", "B", "C", "M", "X", "b", "go", "new"],
        );
    }

    #[test]
    fn csharp() {
        let text = "namespace A.B {\n  /// Doc.\n  [Serializable]\n  public class C : D {\n    public C() { }\n    int P => 1;\n    void M<T>() { N(new O().Q()); void L() { } }\n  }\n  interface I { void R(); }\n  enum E { X }\n  record struct S(int x);\n}\n";
        check(
            Language::CSharp,
            text,
            &[
                "Module A.B 1-12@1",
                "Class C 2-8@4",
                "Method C 5-5@5",
                "Method P 6-6@6",
                "Method M 7-7@7",
                "Function L 7-7@7",
                "Interface I 9-9@9",
                "Method R 9-9@9",
                "Enum E 10-10@10",
                "Class S 11-11@11",
            ],
            &["D", "N", "O", "Q"],
        );
    }

    #[test]
    fn php() {
        let text = "<html><?php\nnamespace A;\nconst K = 1;\n/** Doc. */\nclass B extends C {\n  const L = 2;\n  public function m(D $d): E { return f($d->g(), H::i(), new J()); }\n}\ninterface I {}\ntrait T {}\nenum N { case X; }\nfunction f() {}\n";
        check(
            Language::Php,
            text,
            &[
                "Constant K 3-3@3",
                "Class B 4-8@5",
                "Constant L 6-6@6",
                "Method m 7-7@7",
                "Interface I 9-9@9",
                "Interface T 10-10@10",
                "Enum N 11-11@11",
                "Function f 12-12@12",
            ],
            &["D", "E", "J", "f", "g", "i"],
        );
    }

    #[test]
    fn bash() {
        let text = "#!/bin/bash\nX=1\n# Doc.\nfoo() {\n  bar \"$X\"\n}\nfunction baz { foo; }\n";
        check(Language::Bash, text, &["Function foo 3-6@4", "Function baz 7-7@7"], &["bar", "foo"]);
    }

    #[test]
    fn kotlin() {
        let text = "import a.b.Util\n\nconst val MAX = 3\n/** Doc. */\n@Ann\ndata class A(val x: Int) : Base(), I {\n  fun m(): T = helper(x.run())\n  companion object Make {\n    fun of() = A(1)\n  }\n}\ninterface I {\n  fun q()\n}\nenum class E { X }\nobject O\ntypealias L = List<A>\nfun String.ext() = Util.go()\n";
        check(
            Language::Kotlin,
            text,
            &[
                "Constant MAX 3-3@3",
                "Class A 4-11@6",
                "Method m 7-7@7",
                "Class Make 8-10@8",
                "Method of 9-9@9",
                "Interface I 12-14@12",
                "Method q 13-13@13",
                "Enum E 15-15@15",
                "Class O 16-16@16",
                "Type L 17-17@17",
                "Function ext 18-18@18",
            ],
            &["A", "Ann", "Base", "I", "Int", "List", "String", "T", "Util", "go", "helper", "run"],
        );
    }

    #[test]
    fn swift() {
        let text = "let top = 1\n/// Doc.\n@objc\npublic class A: B {\n  init(x: Int) { }\n  func m() -> T { return help(self.o.run()) }\n}\nstruct S {}\nenum E { case x }\nextension A { func n() {} }\nprotocol P { func q() }\ntypealias L = [A]\n";
        check(
            Language::Swift,
            text,
            &[
                "Constant top 1-1@1",
                "Class A 2-7@4",
                "Method init 5-5@5",
                "Method m 6-6@6",
                "Class S 8-8@8",
                "Enum E 9-9@9",
                "Implementation A 10-10@10",
                "Method n 10-10@10",
                "Interface P 11-11@11",
                "Method q 11-11@11",
                "Type L 12-12@12",
            ],
            &["A", "B", "Int", "T", "help", "objc", "run"],
        );
    }

    #[test]
    fn scala() {
        let text = "package a\n\n/** Doc. */\nclass A(x: Int) extends B {\n  val k = 1\n  def m(): T = help(o.run())\n}\nobject O { def of = new A(1) }\ntrait I { def q(): Unit }\nenum E { case X }\ntype L = List[A]\n";
        check(
            Language::Scala,
            text,
            &[
                "Class A 3-7@4",
                "Constant k 5-5@5",
                "Method m 6-6@6",
                "Class O 8-8@8",
                "Method of 8-8@8",
                "Interface I 9-9@9",
                "Method q 9-9@9",
                "Enum E 10-10@10",
                "Type L 11-11@11",
            ],
            &["A", "B", "Int", "L", "List", "T", "Unit", "help", "run"],
        );
    }

    #[test]
    fn html_and_css() {
        let page = "<html>\n<body>\n<div id=\"main\" class=\"box\">\n<a href=\"x.html\">y</a>\n</div>\n<script>\nvar a = 1;\n</script>\n</body>\n</html>\n";
        check(Language::Html, page, &["Section main 3-5@3", "Section script 6-8@6"], &["box", "x.html"]);
        let sheet = "/* Doc. */\n.box > a:hover {\n  color: rgb(1, 2, 3);\n}\n@keyframes spin { from { top: 0 } }\n@media print {\n  #x { top: 0 }\n}\n";
        check(
            Language::Css,
            sheet,
            &["Section .box > a:hover 1-4@2", "Section spin 5-5@5", "Section @media 6-8@6", "Section #x 7-7@7"],
            &["box", "hover", "rgb", "x"],
        );
    }

    #[test]
    fn settings() {
        check(
            Language::Json,
            "{\n  \"name\": \"x\",\n  \"scripts\": {\n    \"test\": \"jest\"\n  }\n}\n",
            &["Section name 2-2@2", "Section scripts 3-5@3", "Section test 4-4@4"],
            &["jest", "x"],
        );
        check(
            Language::Yaml,
            "# Doc.\non: push\njobs:\n  build:\n    steps: &a\n      - run: x\n  test: *a\n",
            &["Section on 1-2@2", "Section jobs 3-7@3", "Section build 4-6@4", "Section test 7-7@7"],
            &["a"],
        );
        check(
            Language::Toml,
            "top = 1\n\n# Doc.\n[package]\nname = \"x\"\n\n[dependencies.serde]\nversion = \"1\"\n\n[[bin]]\nname = \"y\"\n",
            &["Section top 1-1@1", "Section package 3-6@4", "Section dependencies.serde 7-9@7", "Section bin 10-11@10"],
            &["1", "x", "y"],
        );
    }

    #[test]
    fn markdown() {
        let text = "# Title\n\nText with [a link](docs/x.md).\n\n## Part one\n\n- a\n\nPart two\n--------\n\n```rust\n# no heading\n```\n";
        check(
            Language::Markdown,
            text,
            &["Section Title 1-14@1", "Section Part one 5-14@5", "Section Part two 9-14@9"],
            &[],
        );
    }

    #[test]
    fn a_text_with_errors_gives_what_is_readable() {
        check(Language::Rust, "fn a() {}\nfn b( {\nfn c() {}\n", &["Function a 1-1@1", "Function c 3-3@3"], &[]);
    }
}
