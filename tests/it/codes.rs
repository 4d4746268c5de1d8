//! The page of codes is generated from the tables and the manual pages in the code.

use std::fmt::Write;
use std::path::Path;

use cronwarden::api::code::{DeviationCode, RiskCode};

fn page() -> String {
    let mut page = String::from(
        "# Codes\n\nGenerated from `src/api/code.rs` and `src/api/code/help.rs` by `make generate`. Codes are stable: tools may match on them.\n\n\
         ## Deviations\n\nHow a workload differs from what was approved. A finding is at least as severe as its worst deviation.\n\n\
         | code | severity | meaning |\n|---|---|---|\n",
    );
    for code in DeviationCode::ALL {
        writeln!(page, "| `{code}` | {} | {} |", code.severity(), code.meaning()).expect("text can be written");
    }
    for code in DeviationCode::ALL {
        write!(page, "\n### {code}\n\n{} {}\n", code.meaning(), code.help()).expect("text can be written");
    }
    page.push_str(
        "\n## Risks\n\nWhat makes a workload dangerous, approved or not. Each risk that raises the severity raises it by one step.\n\n\
         | code | raises | meaning |\n|---|---|---|\n",
    );
    for code in RiskCode::ALL {
        let raises = if code.raises() { "yes" } else { "no" };
        writeln!(page, "| `{code}` | {raises} | {} |", code.meaning()).expect("text can be written");
    }
    for code in RiskCode::ALL {
        write!(page, "\n### {code}\n\n{} {}\n", code.meaning(), code.help()).expect("text can be written");
    }
    page
}

#[test]
fn the_page_of_codes_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/codes.md");
    if std::env::var_os("GENERATE").is_some() {
        std::fs::write(&file, page()).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page(), "docs/codes.md is not current: run `make generate` and look at the difference");
}
