//! The model file: networks as one ONNX graph.
//!
//! Input `boxes`, f32 `[N, 1, 40, 40]`, ink levels in 0–1; output `logits`, f32 `[N, 14]`, the twelve class logits already
//! divided by the temperature.

mod message;

use std::path::Path;

use burn::tensor::Device;
use castor_domain::symbol::{BOX_SIDE, MODEL_OUTPUTS, SYMBOL_CLASSES};
use prost::Message;

use crate::error::{LearnError, write_whole};
use crate::network::{Plain, PlainConv, PlainLinear, SymbolNet, Weights};
use message::{Attribute, Graph, Model, Node, OperatorSet, Property, TensorValue, ValueInfo};

/// Version of the operators used; known to every ONNX Runtime since 1.10.
const OPSET: i64 = 13;
/// Version of the file format that goes with it.
const IR_VERSION: i64 = 8;

/// What the model file says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelLabel {
    /// Version of the model, metadata key `castor.version`.
    pub version: String,
    /// Temperature that the class logits are divided by, key `castor.temperature`.
    pub temperature: f32,
    /// Least confidence of a field that needs no person, key `castor.threshold`.
    pub threshold: f32,
}

/// The bytes of the model file. Several networks answer together: the mean of their outputs.
///
/// # Errors
/// [`LearnError::Weights`] when weights do not fit the network, or there are none.
pub fn to_onnx(members: &[Weights], label: &ModelLabel) -> Result<Vec<u8>, LearnError> {
    if members.is_empty() {
        return Err(LearnError::Weights("a model needs at least one network".into()));
    }
    let mut graph = GraphWriter::default();
    let mut outputs = Vec::new();
    for (member, weights) in members.iter().enumerate() {
        let plain = SymbolNet::of(weights, &Device::flex())?.plain();
        outputs.push(graph.network(&format!("net{member}"), plain, label.temperature));
    }
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    graph.node("Mean", "logits", &outputs, Vec::new());
    let model = Model {
        ir_version: IR_VERSION,
        producer_name: "castor".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        graph: Some(Graph {
            node: graph.nodes,
            name: "symbols".into(),
            initializer: graph.values,
            input: vec![ValueInfo::floats("boxes", &[1, BOX_SIDE, BOX_SIDE])],
            output: vec![ValueInfo::floats("logits", &[MODEL_OUTPUTS])],
        }),
        opset_import: vec![OperatorSet {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: [
            ("castor.version", label.version.clone()),
            ("castor.temperature", label.temperature.to_string()),
            ("castor.threshold", label.threshold.to_string()),
        ]
        .map(|(key, value)| Property { key: key.into(), value })
        .into(),
    };
    Ok(model.encode_to_vec())
}

/// Writes the model file, replacing it whole.
///
/// # Errors
/// As [`to_onnx`], and [`LearnError::File`] when it cannot be written.
pub fn write_onnx(path: &Path, members: &[Weights], label: &ModelLabel) -> Result<(), LearnError> {
    write_whole(path, &to_onnx(members, label)?)
}

/// The layer with its class outputs divided by the temperature; the signals keep theirs.
fn divided(mut layer: PlainLinear, temperature: f32) -> PlainLinear {
    let rows = layer
        .weights
        .chunks_exact_mut(MODEL_OUTPUTS)
        .chain([layer.bias.as_mut_slice()]);
    for row in rows {
        for value in &mut row[..SYMBOL_CLASSES] {
            *value /= temperature;
        }
    }
    layer
}

#[derive(Default)]
struct GraphWriter {
    nodes: Vec<Node>,
    values: Vec<TensorValue>,
}

impl GraphWriter {
    /// Adds an operation named after its output.
    fn node(&mut self, operation: &str, output: &str, inputs: &[&str], attribute: Vec<Attribute>) -> String {
        self.nodes.push(Node {
            input: inputs.iter().map(|i| (*i).to_owned()).collect(),
            output: vec![output.to_owned()],
            name: output.to_owned(),
            op_type: operation.to_owned(),
            attribute,
        });
        output.to_owned()
    }

    fn value(&mut self, name: String, shape: &[usize], values: &[f32]) -> String {
        self.values.push(TensorValue::floats(&name, shape, values));
        name
    }

    /// Adds a network; gives the name of its output.
    fn network(&mut self, name: &str, plain: Plain, temperature: f32) -> String {
        let (mut value, mut before) = ("boxes".to_owned(), String::new());
        for (i, conv) in plain.convs.iter().enumerate() {
            let output = self.convolution(&format!("{name}_conv{i}"), conv, &value, &before);
            before = std::mem::replace(&mut value, output);
        }
        let axis = vec![Attribute::int("axis", 1)];
        let value = self.node("Flatten", &format!("{name}_flatten"), &[&value], axis);
        let [hidden, last] = plain.linears;
        let value = self.linear(&format!("{name}_hidden"), &hidden, &value);
        let value = self.node("Relu", &format!("{name}_hidden_relu"), &[&value], Vec::new());
        self.linear(&format!("{name}_logits"), &divided(last, temperature), &value)
    }

    fn convolution(&mut self, name: &str, conv: &PlainConv, input: &str, before: &str) -> String {
        let side = conv.kernel;
        let weights = self.value(
            format!("{name}.weight"),
            &[conv.outputs, conv.inputs, side, side],
            &conv.weights,
        );
        let bias = self.value(format!("{name}.bias"), &[conv.outputs], &conv.bias);
        let attributes = vec![
            Attribute::ints("kernel_shape", &[side, side]),
            Attribute::ints("strides", &[conv.stride, conv.stride]),
            Attribute::ints("pads", &[side / 2; 4]),
        ];
        let mut output = self.node("Conv", name, &[input, &weights, &bias], attributes);
        if conv.skip {
            output = self.node("Add", &format!("{name}_sum"), &[&output, before], Vec::new());
        }
        if conv.relu {
            output = self.node("Relu", &format!("{name}_relu"), &[&output], Vec::new());
        }
        output
    }

    fn linear(&mut self, name: &str, layer: &PlainLinear, input: &str) -> String {
        let weights = self.value(format!("{name}.weight"), &[layer.inputs, layer.outputs], &layer.weights);
        let bias = self.value(format!("{name}.bias"), &[layer.outputs], &layer.bias);
        self.node("Gemm", name, &[input, &weights, &bias], Vec::new())
    }
}
